"""Real programs that the tests start, query and stop."""
