"""The datasets: wire shape, families, and the pure function between."""
