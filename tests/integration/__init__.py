"""Real programs that the tests run: how they are started, asked and ended."""
