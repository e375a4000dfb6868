"""Verification of docs/collectors.md: which series real collectors keep of the exporter's `/metrics`."""
