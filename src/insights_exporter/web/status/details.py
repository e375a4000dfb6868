"""What the page tells of one deployment."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from insights_exporter.exposition.family import HistogramValue
from insights_exporter.polling.summary import ParameterUse, PollSummary, Ranking
from insights_exporter.web.status import format as words
from insights_exporter.web.status.cards import Card, Tile, build_cards, build_tiles, shown_window
from insights_exporter.web.status.charts import Columns, days_chart, edge, histogram_chart
from insights_exporter.web.status.health import URGENT, Health, Problem, build_problems, health
from insights_exporter.web.status.state import DeploymentState, Poll, State

FAIR, POOR = 0.15, 0.3
"""Seconds of latency from which Coder shows a connection in yellow, and in red."""

LEVELS = (3600, 14400, 57600)
"""Seconds of active time at which a level ends; the last one is open."""
_LEVEL_NAMES = ("were active up to 1 h", "for 1 to 4 h", "for 4 to 16 h", "over 16 h")

PERCENTILES: Mapping[str, str] = MappingProxyType({"p50": "median", "p95": "95th percentile"})

_STATES: Mapping[State, str] = MappingProxyType(
    {
        "good": "good",
        "failing": "failing",
        "waiting": "not polled yet",
        "off": "switched off in Coder",
        "unavailable": "not on this server",
    }
)
_STATES_BY_REASON: Mapping[str, str] = MappingProxyType({"not_licensed": "needs a Premium license"})


@dataclass(frozen=True, slots=True)
class Fact:
    """A property of the deployment; `kind` colours a value that needs attention."""

    name: str
    value: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a ranking; `share` is in percent of the longest."""

    name: str
    value: str
    share: float


@dataclass(frozen=True, slots=True)
class Bars:
    """A ranking, and a word on what it leaves out."""

    bars: tuple[Bar, ...]
    others: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """A parameter with the workspaces by value, and a word on the values that are not listed."""

    name: str
    bars: Bars


@dataclass(frozen=True, slots=True)
class Activity:
    """How the users' active times are spread."""

    chart: Columns
    sentence: str


@dataclass(frozen=True, slots=True)
class Latency:
    """How users' latencies are spread; limits are places in percent of the width."""

    chart: Columns
    fair: float
    poor: float
    sentences: tuple[str, ...]
    percentiles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PollRow:
    """A line of the table of datasets; times both for people and for machines."""

    poll: Poll
    state: str
    success_ago: str
    success_at: str
    duration: str
    every: str
    series: str
    failing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """One deployment, for the template."""

    name: str
    url: str
    facts: tuple[Fact, ...]
    health: Health
    since: str
    problems: tuple[Problem, ...]
    tiles: tuple[Tile, ...]
    cards: Mapping[str, Card]
    days: Columns
    days_zone: str
    days_remark: str
    apps: Bars | None
    templates: Bars | None
    activity: Activity | None
    latency: Latency | None
    parameters: tuple[Values, ...]
    polls: tuple[PollRow, ...]


def details(sight: DeploymentState, window: str, now: float) -> Details:
    """Tell of a deployment what is known in a window."""
    state = health(sight)
    report = sight.summary("templates", window)
    breakdown = sight.summary("template-breakdown", shown_window(window, sight.broken_down))
    built = sight.summary("templates", shown_window(window, sight.parameter_windows))
    activity = sight.summary("user-activity", window)
    latency = sight.summary("user-latency", window)
    return Details(
        name=sight.name,
        url=sight.url,
        facts=tuple(_facts(sight)),
        health=state,
        since=f"for {words.span(now - state.since)}, since {words.clock(state.since)}" if state.since else "",
        problems=build_problems(sight),
        tiles=build_tiles(sight, window),
        cards=build_cards(sight, window),
        days_zone=sight.days_zone,
        days=days_chart(*sight.days()),
        days_remark=_days_remark(sight),
        apps=_bars(report.apps, words.hours, "apps") if report.apps else None,
        templates=_bars(breakdown.templates, words.number, "templates") if breakdown.templates else None,
        activity=_activity(activity),
        latency=_latency(latency) if latency.latency else None,
        parameters=tuple(_values(parameter) for parameter in built.parameters),
        polls=tuple(_row(poll, now) for poll in sight.polls),
    )


def _facts(sight: DeploymentState) -> Iterator[Fact]:
    yield Fact("Coder", sight.version or "version unknown")
    yield Fact("Time zone", sight.timezone)
    if sight.token_expires is not None:
        yield Fact(
            "Token",
            f"{sight.token_expiry} ({words.clock(sight.token_expires)})",
            URGENT[sight.expiry_urgency],
        )
    yield Fact("Series", words.number(sum(poll.series for poll in sight.polls)))


def _days_remark(sight: DeploymentState) -> str:
    known, today = sight.days()
    if known and max(known) < today - 1:
        return "Coder reports no newer days; its statistics may have stopped."
    if sight.utc_days:
        return (
            "Coder keeps 60 days of history for UTC days only. The tiles above show days of "
            f"{sight.timezone}, so their numbers differ."
        )
    if known and len(known) < 3:
        return "Coder reports two days at a time in this time zone; the chart grows while the exporter runs."
    return ""


def _bars(ranking: Ranking, write: Callable[[float], str], kind: str) -> Bars:
    longest = max((value for _, value in ranking.rows), default=0.0)
    bars = tuple(Bar(name, write(value), 100 * value / longest) for name, value in ranking.rows)
    return Bars(bars, f"and {words.number(ranking.others)} more {kind}" if ranking.others else "")


def _values(parameter: ParameterUse) -> Values:
    ranking = parameter.values
    workspaces = words.count(ranking.rest, "workspace")
    if parameter.free_text:
        return Values(parameter.name, Bars((), f"free text in {workspaces}"))
    bars = _bars(ranking, words.number, "values").bars
    more = f"{words.count(ranking.others, 'more value')} in {workspaces}" if ranking.others else ""
    return Values(parameter.name, Bars(bars, more))


def _activity(seen: PollSummary) -> Activity | None:
    if seen.activity is None or not seen.activity.counts[-1]:
        return None
    chart = histogram_chart(
        seen.activity_bounds, {"users": _apart(seen.activity)}, {"users": ""}, words.active_time
    )
    return Activity(chart, _activity_sentence(seen.activity, seen.activity_bounds))


def _activity_sentence(spread: HistogramValue, bounds: Sequence[float]) -> str:
    """Return how many users are in each level of activity, the levels of the metrics."""
    total = spread.counts[-1]
    upto = (0, *(spread.counts[bounds.index(limit)] for limit in LEVELS), total)
    parts = [
        f"{words.number(above - below)} ({words.percent(above - below, total)}) {name}"
        for (below, above), name in zip(pairwise(upto), _LEVEL_NAMES, strict=True)
    ]
    return f"Of {words.count(total, 'user')}, {', '.join(parts[:-1])} and {parts[-1]}."


def _latency(seen: PollSummary) -> Latency:
    spread = {name: _apart(seen.latency[name]) for name in PERCENTILES if name in seen.latency}
    return Latency(
        chart=histogram_chart(
            seen.bounds, spread, {key: f" ({name})" for key, name in PERCENTILES.items()}, words.latency
        ),
        fair=edge(seen.bounds, FAIR),
        poor=edge(seen.bounds, POOR),
        sentences=tuple(_latency_sentence(name, seen) for name in spread),
        percentiles=tuple((name, PERCENTILES[name]) for name in spread),
    )


def _apart(cumulative: HistogramValue) -> tuple[int, ...]:
    """Give how many users are in each bucket alone."""
    return tuple(count - below for below, count in pairwise((0, *cumulative.counts)))


def _latency_sentence(percentile: str, seen: PollSummary) -> str:
    counts = seen.latency[percentile].counts
    users = counts[-1]
    over = [users - counts[seen.bounds.index(limit)] for limit in (FAIR, POOR)]
    shares = [f"{words.number(count)} ({words.percent(count, users)})" for count in over]
    return (
        f"By their {PERCENTILES[percentile]}, {shares[0]} of {words.number(users)} users are above "
        f"150 ms and {shares[1]} above 300 ms."
    )


def _row(poll: Poll, now: float) -> PollRow:
    failing = f", {poll.failures} in a row" if poll.failures > 1 else ""
    return PollRow(
        poll=poll,
        state=_STATES_BY_REASON.get(poll.reason) or _STATES[poll.state],
        success_ago=words.ago(poll.last_success, now) if poll.last_success else "never",
        success_at=words.iso(poll.last_success) if poll.last_success else "",
        duration=words.NOTHING if poll.duration is None else words.took(poll.duration),
        every=words.span(poll.every),
        series=words.number(poll.series),
        failing=f"since {words.ago(poll.since, now)}{failing}"
        if poll.state in {"failing", "off"} and poll.since
        else "",
    )
