"""Helpers of several tests that are not real programs."""
