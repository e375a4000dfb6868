"""The dashboards, one module each: `content()` returns the dashboard's content."""
