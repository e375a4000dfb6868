"""The status page at `/`: how the deployments are, and what they say, before there is any Grafana."""
