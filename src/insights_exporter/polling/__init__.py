"""One poll, the schedule, and the exporter's own health."""
