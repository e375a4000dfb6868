"""An embedded Coder with a made-up population: the demo, and the tests' peer."""
