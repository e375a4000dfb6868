"""What real collectors keep of the exporter's `/metrics`: the script that verifies docs/collectors.md."""
