"""The view of the status page: plain values for the templates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from insights_exporter import __version__
from insights_exporter.web.status.cards import DEFAULT_WINDOW
from insights_exporter.web.status.charts import build_sparkline
from insights_exporter.web.status.details import Details, build_details
from insights_exporter.web.status.format import format_number
from insights_exporter.web.status.state import (
    LEVELS,
    URGENCY_CLASSES,
    DeploymentState,
    Health,
    assess_health,
    format_data_age,
)


class NotFound(LookupError):
    """The requested deployment or window does not exist."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The deployment and the window of the query, both optional."""

    deployment: str | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True)
class WindowLink:
    """A link to another window."""

    label: str
    href: str
    selected: bool


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """A row of the overview."""

    name: str
    href: str
    health: Health
    facts: str
    token: str
    token_kind: str
    today: str
    yesterday: str
    users: str
    age: str
    series: str
    sparkline: str
    sparkline_timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """The values of the templates: rows of several deployments, or details of one."""

    title: str
    version: str
    metrics_href: str
    overview_href: str
    window: str
    window_label: str
    windows: tuple[WindowLink, ...]
    summary: str
    rows: tuple[DeploymentRow, ...]
    details: Details | None


def build_view(
    request: PageRequest, states: Sequence[DeploymentState], metrics_path: str, now: float
) -> PageView:
    """Return the view of the requested deployment, or of all.

    Raises:
        NotFound: The deployment or the window does not exist.
    """
    shown = states
    if request.deployment is not None:
        shown = [state for state in states if state.name == request.deployment]
        if not shown:
            raise NotFound("There is no such deployment here.")
    single = len(shown) == 1
    labels = {name: state.window_label(name) for state in reversed(shown) for name in state.windows}
    names = tuple(dict.fromkeys(name for state in shown for name in state.windows))
    window = _select_window(request, names)
    return PageView(
        title=shown[0].name if single else f"{len(shown)} deployments",
        version=__version__,
        metrics_href="." + quote(metrics_path),
        overview_href=_build_href(None, request.window) if request.deployment and len(states) > 1 else "",
        window=window,
        window_label=labels.get(window, window),
        windows=tuple(
            WindowLink(labels[name], _build_href(request.deployment, name), name == window) for name in names
        ),
        summary=_summarize(shown),
        rows=() if single else _build_rows(shown, window, now),
        details=build_details(shown[0], window, now) if single else None,
    )


def _select_window(request: PageRequest, names: Sequence[str]) -> str:
    if request.window is None:
        return DEFAULT_WINDOW if DEFAULT_WINDOW in names else next(iter(names), "")
    if request.window not in names:
        raise NotFound("There is no such window here.")
    return request.window


def _build_href(deployment: str | None, window: str | None) -> str:
    query = {"deployment": deployment, "window": window}
    return "?" + urlencode({name: value for name, value in query.items() if value is not None})


def _summarize(states: Sequence[DeploymentState]) -> str:
    levels = [assess_health(state).level for state in states]
    counts = [f"{levels.count(level)} {words}" for level, words in LEVELS.items() if level in levels]
    return ", ".join(counts) or "No deployment is polled"


def _build_rows(states: Sequence[DeploymentState], window: str, now: float) -> tuple[DeploymentRow, ...]:
    """Return the rows of deployments, the worst first."""
    order = [*LEVELS]
    rows = [_build_row(state, window, now) for state in states]
    return tuple(sorted(rows, key=lambda row: (order.index(row.health.level), row.name)))


def _build_row(state: DeploymentState, window: str, now: float) -> DeploymentRow:
    days = state.summary("days").days
    token_kind = URGENCY_CLASSES[state.expiry_urgency]
    return DeploymentRow(
        name=state.name,
        href=_build_href(state.name, window if window in state.windows else None),
        health=assess_health(state),
        facts=", ".join(_list_facts(state)),
        token=f"token {state.token_expiry}" if token_kind else "",
        token_kind=token_kind,
        today=format_number(days.get(state.today)),
        yesterday=format_number(days.get(state.today - 1)),
        users=format_number(state.summary("active_users", window).active_users),
        age=format_data_age(state, now),
        series=format_number(sum(poll.status.series for poll in state.polls)),
        sparkline=build_sparkline(*state.daily_users()),
        sparkline_timezone=state.chart_timezone,
    )


def _list_facts(state: DeploymentState) -> Iterator[str]:
    if state.version:
        yield f"Coder {state.version.partition('+')[0]}"
    if state.timezone != "UTC":
        yield f"days of {state.timezone}"
