"""History: what Coder still knows of the past, written as Prometheus would have scraped it."""
