"""Coder's API: client, rate limits, errors, query dialects, decoding."""
