"""Maintenance commands: set up, generate files, measure, release."""
