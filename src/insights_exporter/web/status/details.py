"""The view of one deployment: tiles with single numbers, and cards with charts."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from insights_exporter.datasets.aggregate import ACTIVITY, LATENCY
from insights_exporter.datasets.summary import SOURCES, PollSummary
from insights_exporter.exposition.family import HistogramValue
from insights_exporter.web.status.charts import (
    ColumnChart,
    build_days_chart,
    build_histogram_chart,
    locate_bound,
)
from insights_exporter.web.status.format import (
    format_active_time,
    format_count,
    format_day,
    format_latency,
    format_number,
    format_percent,
    format_short_day,
    format_usage_time,
)
from insights_exporter.web.status.state import (
    STATISTICS_OFF,
    DeploymentState,
    State,
)

DEFAULT_WINDOW = "7d"

ACTIVITY_LEVELS: Mapping[str, str] = {
    "up_to_1h": "were active up to 1 h",
    "1h_to_4h": "for 1 to 4 h",
    "4h_to_16h": "for 4 to 16 h",
    "over_16h": "over 16 h",
}
"""Descriptions of the bands of activity."""

PERCENTILES: Mapping[str, str] = {"p50": "median", "p95": "95th percentile"}


@dataclass(frozen=True, slots=True)
class Tile:
    """A single number with its name and a remark."""

    name: str
    value: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """The window of a card and its description, a remark if it is not the selected one, the text if empty."""

    window: str
    period: str
    remark: str
    empty: str


@dataclass(frozen=True, slots=True)
class ActivityChart:
    """The distribution of users by active time."""

    chart: ColumnChart
    sentence: str


@dataclass(frozen=True, slots=True)
class LatencyChart:
    """The distribution of users by latency; limits are positions in percent of the width."""

    chart: ColumnChart
    fair: float
    poor: float
    sentences: tuple[str, ...]
    percentiles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """One deployment, for the template."""

    state: DeploymentState
    tiles: tuple[Tile, ...]
    cards: Mapping[str, Card]
    days: ColumnChart
    days_remark: str
    activity: ActivityChart | None
    latency: LatencyChart | None


def build_details(state: DeploymentState, window: str) -> Details:
    """Return the view of a deployment in a window."""
    return Details(
        state=state,
        tiles=tuple(build_tiles(state, window)),
        cards=build_cards(state, window),
        days=build_days_chart(*state.list_daily_users()),
        days_remark=_explain_days(state),
        activity=_build_activity(state.get_summary("activity", window)),
        latency=_build_latency(state.get_summary("latency", window)),
    )


def build_tiles(state: DeploymentState, window: str) -> Iterator[Tile]:
    """Yield the tiles of a deployment; days, weeks and months are those of its own time zone."""
    days, today = state.get_summary("days").days, state.today
    for name, day, prefix in (("Active today", today, "so far, "), ("Active yesterday", today - 1, "")):
        yield Tile(name, format_number(days.get(day)), f"{prefix}{format_day(day)} in {state.timezone}")
    yield from _build_period_tiles(state)
    report, label = state.get_summary("active_users", window), state.windows.get(window, window)
    yield Tile("Active users", format_number(report.active_users), f"distinct, {label}")
    if report.apps:
        seconds = sum(seconds for _, seconds in report.apps.rows) + report.apps.rest
        yield Tile("Time in apps", format_usage_time(seconds), f"all apps, {label}")
    accounts = state.get_summary("users").users
    if accounts:
        others = [f"{format_number(n)} {status}" for status, n in accounts.items() if status != "active"]
        yield Tile("Active accounts", format_number(accounts.get("active")), ", ".join(others))
    yield from _build_seat_tiles(state)


_SEAT_TILES = (("user_limit", "Licensed seats"), ("ai_governance_user_limit", "AI seats"))
_LICENSE_REMARKS = {"grace_period": "license expired, in its grace period", "not_entitled": "no license"}


def _build_seat_tiles(state: DeploymentState) -> Iterator[Tile]:
    """Yield the seats in use of those that the license allows, if it has a limit."""
    summary = state.get_summary("seats")
    for feature, name in _SEAT_TILES:
        used, limit = summary.seats.get(feature, (0.0, None))
        if limit is not None:
            left = f"{format_number(max(limit - used, 0.0))} left"
            remark = _LICENSE_REMARKS.get(summary.license_status, left)
            yield Tile(name, f"{format_number(used)} of {format_number(limit)}", remark)


def _build_period_tiles(state: DeploymentState) -> Iterator[Tile]:
    """Yield the users of the last whole week and month, with those of the one before for comparison."""
    today, summary = state.now.date(), state.get_summary("weeks")
    monday = today.toordinal() - today.weekday() - 7
    week = f"{format_short_day(monday)} to {format_short_day(monday + 6)}"
    month = today.replace(day=1) - timedelta(days=1)
    for name, unit, period, users in (
        ("Weekly active users", "week", week, summary.weeks),
        ("Monthly active users", "month", f"{month:%b %Y}", summary.months),
    ):
        if users:
            before = users.get("before_last")
            comparison = "" if before is None else f"; {format_number(before)} the {unit} before"
            yield Tile(name, format_number(users.get("last")), f"{period}{comparison}")


class _CardType(NamedTuple):
    """The texts of a card for a poll without data and before it, and a config key of its own."""

    no_data: str
    config_key: str = ""
    waiting: str = "Not polled yet."


_CARDS: Mapping[str, _CardType] = {
    "days": _CardType("Coder reports no days."),
    "apps": _CardType("No app was used."),
    "templates": _CardType(
        "No template was used.",
        "templates.breakdown",
        "Not polled yet; a report has to name the templates in use first.",
    ),
    "activity": _CardType("No user was active."),
    "latency": _CardType("No user has a latency."),
    "parameters": _CardType("No workspace was built with parameters.", "parameters.windows"),
}

_EMPTY_TEXTS: Mapping[State, str] = {
    "failing": "No data: the last poll failed.",
    "off": STATISTICS_OFF,
    "unavailable": "This Coder server does not have this data.",
}


def select_window(selected: str, available: Collection[str]) -> str:
    """Return the selected window if it has the data, else a week, else the first one, else an empty text."""
    if selected in available:
        return selected
    return DEFAULT_WINDOW if DEFAULT_WINDOW in available else next(iter(available), "")


def build_cards(state: DeploymentState, selected: str) -> Mapping[str, Card]:
    """Return the cards by name, each for the window that it shows."""
    windows = dict.fromkeys(_CARDS, selected) | {
        "days": "",
        "templates": select_window(selected, state.breakdown_windows),
        "parameters": select_window(selected, state.parameter_windows),
    }
    not_polled = f"Not polled for {state.windows.get(selected, selected)}."
    cards = {}
    for name, window in windows.items():
        remark = "" if window in {"", selected} else not_polled
        period = state.windows.get(window, window)
        cards[name] = Card(window, period, remark, _explain_empty(state, name, window))
    return cards


def _explain_empty(state: DeploymentState, name: str, window: str) -> str:
    card, dataset = _CARDS[name], SOURCES[name]
    key = (dataset, window)
    states = [poll.state for poll in state.polls if (poll.status.dataset, poll.status.window) == key]
    if not states:
        return f"Disabled in the config (`{card.config_key or f'datasets.{dataset}'}`)."
    remark = _explain_no_templates(state, window) if name == "templates" else ""
    texts: dict[State, str] = {**_EMPTY_TEXTS, "waiting": card.waiting}
    text = texts.get(states[0], "" if remark else card.no_data)
    return f"{remark} {text}".strip()


def _explain_no_templates(state: DeploymentState, window: str) -> str:
    """Return what is known of the templates in use if their users are not."""
    report, breakdown = state.get_summary("templates_in_use", window), state.get_summary("templates", window)
    if report.templates_in_use and breakdown.templates is None:
        return f"{format_count(report.templates_in_use, 'template')} in use; their users are not available."
    if report != PollSummary() and report.templates_in_use is None:
        return "No report names the templates in use."
    return ""


def _explain_days(state: DeploymentState) -> str:
    users, today = state.list_daily_users()
    if users and max(users) < today - 1:
        return "Coder reports no newer days; its statistics may have stopped."
    if state.utc_days:
        return (
            "Coder keeps 60 days of history for UTC days only. The tiles above show days of "
            f"{state.timezone}, so their numbers differ."
        )
    if users and len(users) < 3:
        return "Coder reports two days at a time in this time zone; the chart grows while the exporter runs."
    return ""


def _build_activity(summary: PollSummary) -> ActivityChart | None:
    histogram = summary.activity
    if histogram is None or not histogram.counts[-1]:
        return None
    chart = build_histogram_chart(ACTIVITY.bounds, {"users": histogram}, {"users": ""}, format_active_time)
    total = histogram.counts[-1]
    parts = [
        f"{format_number(users)} ({format_percent(users, total)}) {ACTIVITY_LEVELS[level]}"
        for (level,), users in ACTIVITY.build_band_rows((), histogram)
    ]
    sentence = f"Of {format_count(total, 'user')}, {', '.join(parts[:-1])} and {parts[-1]}."
    return ActivityChart(chart, sentence)


def _build_latency(summary: PollSummary) -> LatencyChart | None:
    if not summary.latency:
        return None
    percentiles = {key: name for key, name in PERCENTILES.items() if key in summary.latency}
    limits = dict(LATENCY.bands)
    return LatencyChart(
        chart=build_histogram_chart(
            LATENCY.bounds,
            {key: summary.latency[key] for key in percentiles},
            {key: f" ({name})" for key, name in percentiles.items()},
            format_latency,
        ),
        fair=locate_bound(LATENCY.bounds, limits["good"]),
        poor=locate_bound(LATENCY.bounds, limits["fair"]),
        sentences=tuple(_describe_latency(name, summary.latency[key]) for key, name in percentiles.items()),
        percentiles=tuple(percentiles.items()),
    )


def _describe_latency(name: str, histogram: HistogramValue) -> str:
    users = histogram.counts[-1]
    fair, poor = (count for _, count in LATENCY.build_band_rows((), histogram)[1:])
    above = [f"{format_number(count)} ({format_percent(count, users)})" for count in (fair + poor, poor)]
    total = format_number(users)
    return f"By their {name}, {above[0]} of {total} users are above 150 ms and {above[1]} above 300 ms."
