"""A made-up population: who used what, and when, drawn from a seed."""
