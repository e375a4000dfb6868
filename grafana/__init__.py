"""Dashboards and rules as code, and the files that are built from them."""
