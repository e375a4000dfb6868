"""`python -m insights_exporter`: the same as the command `insights-exporter`."""

from insights_exporter.cli import main

main()
