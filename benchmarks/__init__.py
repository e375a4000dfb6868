"""Side-by-side measurements, for anyone to run: `make bench`."""
