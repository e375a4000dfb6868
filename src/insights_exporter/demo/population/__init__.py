"""The sample data of the embedded Coder, drawn from a seed."""
