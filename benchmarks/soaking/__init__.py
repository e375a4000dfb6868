"""The parts of the soak: servers that fail, clients that scrape, and the verdict."""
