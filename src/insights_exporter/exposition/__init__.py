"""Metric families and samples, and the bytes they become."""
