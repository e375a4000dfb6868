"""Recording rules and alerts, written as tables and built into plain YAML."""
