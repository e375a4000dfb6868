"""What json_exporter makes of the responses of the Insights API."""
