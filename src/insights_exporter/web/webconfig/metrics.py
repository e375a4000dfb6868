"""What the exporter tells of its web config file."""

from insights_exporter.exposition.family import Family
from insights_exporter.exposition.samples import Samples
from insights_exporter.web.webconfig.live import LiveConfig

RELOAD_FAILURES = Family(
    name="insights_exporter_web_config_reload_failures_total",
    kind="counter",
    help="Times that the web config file, or a file it names, had changed and could not be used; "
    "the settings before stay in use.",
    source="the exporter itself",
    absent="without --web.config.file",
    example="increase(insights_exporter_web_config_reload_failures_total[1h]) > 0",
)


def web_config_samples(live: LiveConfig) -> Samples:
    """Give the count of `live` as samples."""
    return Samples(RELOAD_FAILURES, [((), float(live.reload_failures))])
