"""The window that a report says it covers."""

from datetime import datetime

from insights_exporter.datasets.timerange import unix_seconds
from insights_exporter.exposition.family import MetricFamily, Samples

_LABELS = ("deployment", "dataset", "window")

WINDOW_START = MetricFamily(
    name="coder_insights_window_start_timestamp_seconds",
    kind="gauge",
    help="When the window begins, as the report itself says (API: report.start_time), in Unix seconds; "
    "cached.",
    labels=_LABELS,
    source="templates, user-activity, user-latency: report.start_time",
    merge="not merged",
    absent="the report has no readable start_time",
    example='coder_insights_window_start_timestamp_seconds{window="7d"}',
)
WINDOW_END = MetricFamily(
    name="coder_insights_window_end_timestamp_seconds",
    kind="gauge",
    help="When the window ends, as the report itself says (API: report.end_time), in Unix seconds; cached.",
    labels=_LABELS,
    source="templates, user-activity, user-latency: report.end_time",
    merge="not merged",
    absent="the report has no readable end_time",
    example='time() - coder_insights_window_end_timestamp_seconds{dataset="templates",window="today"} > 7200',
)
FAMILIES = (WINDOW_START, WINDOW_END)


def echo_samples(
    dataset: str, window: str, start: datetime | None, end: datetime | None
) -> tuple[Samples, ...]:
    """Return the gauges of the window that a report of `dataset` says it covers."""
    return tuple(
        Samples(family, [((dataset, window), seconds)])
        for family, moment in ((WINDOW_START, start), (WINDOW_END, end))
        if (seconds := unix_seconds(moment)) is not None
    )
