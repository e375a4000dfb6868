"""Pictures of the dashboards over a quarter of sample data, rendered by Grafana's own components."""
