"""What reports of several datasets share: the response of `/insights/templates`, and the window it covers."""

from datetime import datetime

import msgspec

from insights_exporter.coder.clock import get_unix_time
from insights_exporter.coder.decode import Envelope, Row
from insights_exporter.datasets.timerange import require_time
from insights_exporter.exposition.family import MetricFamily, Samples

PATH = "/insights/templates"

_WINDOW_LABELS = ("deployment", "dataset", "window")

WINDOW_START = MetricFamily(
    name="coder_insights_window_start_timestamp_seconds",
    help="Unix time at which the window starts according to the report, in seconds (API: "
    "report.start_time); cached.",
    labels=_WINDOW_LABELS,
    absent="the report has no readable start_time",
    example='coder_insights_window_start_timestamp_seconds{window="7d"}',
)
WINDOW_END = MetricFamily(
    name="coder_insights_window_end_timestamp_seconds",
    help="Unix time at which the window ends according to the report, in seconds (API: report.end_time); "
    "cached.",
    labels=_WINDOW_LABELS,
    absent="the report has no readable end_time",
    example='time() - coder_insights_window_end_timestamp_seconds{dataset="templates",window="today"} > 7200',
)
WINDOW_FAMILIES = (WINDOW_START, WINDOW_END)


class App(Row, frozen=True):
    """The use of one app, over all users.

    Which of `type`, `family` and `method` a row has depends on the server's version; at least one is needed.
    """

    slug: str
    seconds: float
    app_type: str | None = msgspec.field(name="type", default=None)
    family: str | None = None
    method: str | None = None
    display_name: str | None = None
    times_used: float | None = None
    template_ids: list[str] | None = None

    def __post_init__(self) -> None:
        """Reject a row without a slug or of an unknown kind."""
        if not self.slug:
            text = "slug: is empty"
            raise ValueError(text)
        if not (self.app_type or self.family or self.method):
            text = "type: missing, as family and method are"
            raise ValueError(text)


class ParameterValue(Row, frozen=True):
    """How many workspaces chose a value."""

    count: float
    value: str | None


class Option(Row, frozen=True):
    """One of the values that a parameter declares; only their existence matters."""


class Parameter(Row, frozen=True):
    """A parameter of templates, and the values chosen for it."""

    name: str
    parameter_type: str | None = msgspec.field(name="type")
    values: list[ParameterValue]
    display_name: str | None = None
    options: list[Option] | None = None
    template_ids: list[str] | None = None


class Interval(Row, frozen=True):
    """The users of one day or week."""

    active_users: float
    start_time: datetime
    end_time: datetime
    template_ids: list[str] | None = None

    def __post_init__(self) -> None:
        """Reject a time that is none."""
        require_time("start_time", self.start_time)
        require_time("end_time", self.end_time)


class WindowReport(Envelope, frozen=True):
    """What all reports say about themselves: the window they cover, and the templates they are about."""

    start_time: datetime | None
    end_time: datetime | None
    template_ids: list[str] | None


class Report(WindowReport, frozen=True):
    """What happened in the window as a whole."""

    active_users: float
    apps_usage: list[App]
    parameters_usage: list[Parameter] | None


class TemplatesResponse(Envelope, frozen=True):
    """The whole response: one section at least."""

    report: Report | None = None
    interval_reports: list[Interval] | None = None

    def __post_init__(self) -> None:
        """Reject a response without any known section."""
        if self.report is None and self.interval_reports is None:
            text = "report: missing"
            raise ValueError(text)


class UsersReport(Envelope, frozen=True):
    """The number of users in a report."""

    active_users: float
    start_time: datetime | None


class UsersResponse(Envelope, frozen=True):
    """The response, for datasets that need only the number of users."""

    report: UsersReport


def build_window_samples(dataset: str, window: str, report: WindowReport) -> tuple[Samples, ...]:
    """Return the gauges of the window that a report of `dataset` states."""
    return tuple(
        Samples(family, [((dataset, window), seconds)])
        for family, moment in ((WINDOW_START, report.start_time), (WINDOW_END, report.end_time))
        if (seconds := get_unix_time(moment)) is not None
    )
