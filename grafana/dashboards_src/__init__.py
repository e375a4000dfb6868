"""The dashboards, one file each: `content()` says what is on it."""
