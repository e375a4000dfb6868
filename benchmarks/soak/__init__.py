"""Soak test: Coder servers with random faults, an exporter, scraping clients and checks."""
