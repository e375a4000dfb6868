"""Benchmarks of the exporter, alone and compared with other programs: `make bench`."""
