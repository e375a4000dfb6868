"""Datasets: response structs, metric families and pure conversions."""
