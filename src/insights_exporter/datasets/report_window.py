"""The window that a report says it covers."""

from insights_exporter.datasets.timerange import read_instant
from insights_exporter.exposition.family import MetricFamily, Samples

_LABELS = ("deployment", "dataset", "window")

WINDOW_START = MetricFamily(
    name="coder_insights_window_start_timestamp_seconds",
    kind="gauge",
    help="When the window begins, as the report itself says (API: report.start_time), in Unix seconds; "
    "cached.",
    labels=_LABELS,
    source="templates, template-breakdown, user-activity, user-latency: report.start_time",
    merge="not merged; within the breakdown the first template's",
    absent="the report has no readable start_time",
    example='coder_insights_window_start_timestamp_seconds{window="7d"}',
)
WINDOW_END = MetricFamily(
    name="coder_insights_window_end_timestamp_seconds",
    kind="gauge",
    help="When the window ends, as the report itself says (API: report.end_time), in Unix seconds; cached.",
    labels=_LABELS,
    source="templates, template-breakdown, user-activity, user-latency: report.end_time",
    merge="not merged; within the breakdown the first template's",
    absent="the report has no readable end_time",
    example='time() - coder_insights_window_end_timestamp_seconds{dataset="templates",window="today"} > 7200',
)
FAMILIES = (WINDOW_START, WINDOW_END)


def echo_samples(dataset: str, window: str, start: str | None, end: str | None) -> tuple[Samples, ...]:
    """Give the gauges for what a report of `dataset` echoes of its window."""
    return tuple(
        Samples(family, [((dataset, window), seconds)])
        for family, text in ((WINDOW_START, start), (WINDOW_END, end))
        if (seconds := read_instant(text)) is not None
    )
