"""The Prometheus exporter for Coder's Insights API."""

__version__ = "0.1.0"
