"""The view of one deployment."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from insights_exporter.datasets.summary import ParameterUse, PollSummary, Ranking
from insights_exporter.exposition.family import HistogramValue
from insights_exporter.web.status.cards import Card, Tile, build_cards, build_tiles, select_window
from insights_exporter.web.status.charts import (
    ColumnChart,
    build_days_chart,
    build_histogram_chart,
    locate_bound,
)
from insights_exporter.web.status.format import (
    format_active_time,
    format_count,
    format_latency,
    format_number,
    format_percent,
)
from insights_exporter.web.status.state import (
    DeploymentState,
    Health,
    Problem,
    assess_health,
    find_problems,
)

FAIR_LATENCY, POOR_LATENCY = 0.15, 0.3
"""Seconds of latency from which Coder shows a connection in yellow, and in red."""

ACTIVITY_LEVELS: Mapping[float, str] = {
    3600: "were active up to 1 h",
    14400: "for 1 to 4 h",
    57600: "for 4 to 16 h",
    float("inf"): "over 16 h",
}
"""Levels of activity by their upper bound in seconds of active time."""

PERCENTILES: Mapping[str, str] = {"p50": "median", "p95": "95th percentile"}


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
    health: Health
    problems: tuple[Problem, ...]
    tiles: tuple[Tile, ...]
    cards: Mapping[str, Card]
    days: ColumnChart
    days_remark: str
    apps: Ranking | None
    templates: Ranking | None
    activity: ActivityChart | None
    latency: LatencyChart | None
    parameters: tuple[ParameterUse, ...]


def build_details(state: DeploymentState, window: str) -> Details:
    """Return the view of a deployment in a window."""
    template_window = select_window(window, state.breakdown_windows)
    parameter_window = select_window(window, state.parameter_windows)
    return Details(
        state=state,
        health=assess_health(state),
        problems=tuple(find_problems(state)),
        tiles=tuple(build_tiles(state, window)),
        cards=build_cards(state, window),
        days=build_days_chart(*state.daily_users()),
        days_remark=_explain_days(state),
        apps=state.summary("apps", window).apps,
        templates=state.summary("templates", template_window).templates,
        activity=_build_activity(state.summary("activity", window)),
        latency=_build_latency(state.summary("latency", window)),
        parameters=state.summary("parameters", parameter_window).parameters,
    )


def _explain_days(state: DeploymentState) -> str:
    users, today = state.daily_users()
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
    histogram, bounds = summary.activity, summary.activity_bounds
    if histogram is None or not histogram.counts[-1]:
        return None
    counts = {"users": _count_buckets(histogram)}
    chart = build_histogram_chart(bounds, counts, {"users": ""}, format_active_time)
    total = histogram.counts[-1]
    cumulative = (0, *(histogram.counts[bounds.index(limit)] for limit in [*ACTIVITY_LEVELS][:-1]), total)
    parts = [
        f"{format_number(above - below)} ({format_percent(above - below, total)}) {name}"
        for (below, above), name in zip(pairwise(cumulative), ACTIVITY_LEVELS.values(), strict=True)
    ]
    sentence = f"Of {format_count(total, 'user')}, {', '.join(parts[:-1])} and {parts[-1]}."
    return ActivityChart(chart, sentence)


def _build_latency(summary: PollSummary) -> LatencyChart | None:
    if not summary.latency:
        return None
    percentiles = {key: name for key, name in PERCENTILES.items() if key in summary.latency}
    return LatencyChart(
        chart=build_histogram_chart(
            summary.bounds,
            {key: _count_buckets(summary.latency[key]) for key in percentiles},
            {key: f" ({name})" for key, name in percentiles.items()},
            format_latency,
        ),
        fair=locate_bound(summary.bounds, FAIR_LATENCY),
        poor=locate_bound(summary.bounds, POOR_LATENCY),
        sentences=tuple(_describe_latency(summary, key, name) for key, name in percentiles.items()),
        percentiles=tuple(percentiles.items()),
    )


def _count_buckets(cumulative: HistogramValue) -> tuple[int, ...]:
    """Return the number of users within each bucket."""
    return tuple(count - below for below, count in pairwise((0, *cumulative.counts)))


def _describe_latency(summary: PollSummary, key: str, name: str) -> str:
    counts = summary.latency[key].counts
    users = counts[-1]
    above = [users - counts[summary.bounds.index(limit)] for limit in (FAIR_LATENCY, POOR_LATENCY)]
    fair, poor = (f"{format_number(count)} ({format_percent(count, users)})" for count in above)
    return (
        f"By their {name}, {fair} of {format_number(users)} users are above 150 ms and {poor} above 300 ms."
    )
