"""The web config file of exporter-toolkit: TLS, client certificates, users, headers, a rate limit."""
