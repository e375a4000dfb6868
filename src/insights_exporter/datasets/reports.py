"""The answer of `/insights/templates`, which several datasets ask for."""

import msgspec

from insights_exporter.datasets.wire import Frame, WireRow

PATH = "/insights/templates"


class App(WireRow, frozen=True):
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


class ParameterValue(WireRow, frozen=True):
    """How many workspaces chose a value."""

    count: float
    value: str | None = None


class Option(WireRow, frozen=True):
    """One of the values that a parameter declares; only that there are some is of interest."""


class Parameter(WireRow, frozen=True):
    """A parameter of templates, and the values chosen for it."""

    name: str
    parameter_type: str | None = msgspec.field(name="type", default=None)
    display_name: str | None = None
    options: list[Option] | None = None
    values: list[ParameterValue] | None = None
    template_ids: list[str] | None = None


class Interval(WireRow, frozen=True):
    """The users of one day or week."""

    active_users: float
    start_time: str
    end_time: str
    template_ids: list[str] | None = None


class Report(Frame, frozen=True):
    """What happened in the window as a whole."""

    start_time: str | None = None
    end_time: str | None = None
    template_ids: list[str] | None = None
    active_users: float | None = None
    apps_usage: list[App] | None = None
    parameters_usage: list[Parameter] | None = None


class TemplatesAnswer(Frame, frozen=True):
    """The whole answer."""

    report: Report | None = None
    interval_reports: list[Interval] | None = None
