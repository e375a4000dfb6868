"""Families and samples, and the bytes they become."""
