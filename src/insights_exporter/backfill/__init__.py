"""History: past data that Coder still has, written as Prometheus would have scraped it."""
