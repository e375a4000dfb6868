"""What the page tells of one deployment."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from insights_exporter.exposition.samples import Distribution
from insights_exporter.polling.glances import Glance, Ranking
from insights_exporter.polling.token_expiry import Urgency, describe_expiry
from insights_exporter.web.status import words
from insights_exporter.web.status.charts import Columns, bins_chart, days_chart, edge
from insights_exporter.web.status.health import SWITCHED_OFF, Health, health
from insights_exporter.web.status.sight import Poll, Sight, State

FAIR, POOR = 0.15, 0.3
"""Seconds of latency from which Coder shows a connection in yellow, and in red."""

PERCENTILES: Mapping[str, str] = MappingProxyType({"p50": "median", "p95": "95th percentile"})

URGENT: Mapping[Urgency, str] = MappingProxyType({"none": "", "info": "partly", "warning": "bad"})
"""How the page colours a token by the urgency of replacing it."""

_STATES: Mapping[State, str] = MappingProxyType(
    {
        "good": "good",
        "failing": "failing",
        "waiting": "not polled yet",
        "off": "switched off in Coder",
        "unavailable": "not on this server",
    }
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that stands out, with its name and a remark."""

    name: str
    value: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A property of the deployment; `kind` colours a value that needs attention."""

    name: str
    value: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to fix: its heading, what to do, what Coder said, and the datasets that it hits."""

    kind: str
    heading: str
    remedy: str
    detail: str = ""
    datasets: str = ""


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
    days: Columns
    days_remark: str
    apps: Bars | None
    templates: Bars | None
    templates_remark: str
    latency: Latency | None
    polls: tuple[PollRow, ...]


def details(sight: Sight, window: str, now: float) -> Details:
    """Tell of a deployment what is known in a window."""
    state = health(sight)
    report = sight.glance("templates", window)
    breakdown = sight.glance("template-breakdown", window)
    latency = sight.glance("user-latency", window)
    return Details(
        name=sight.name,
        url=sight.url,
        facts=tuple(_facts(sight, now)),
        health=state,
        since=f"for {words.span(now - state.since)}, since {words.clock(state.since)}" if state.since else "",
        problems=tuple(_problems(sight, now)),
        tiles=tuple(_tiles(sight, window, report)),
        days=days_chart(*sight.days()),
        days_remark=_days_remark(sight),
        apps=_bars(report.apps, words.hours, "apps") if report.apps else None,
        templates=_bars(breakdown.templates, words.number, "templates") if breakdown.templates else None,
        templates_remark=_templates_remark(sight, window, report.templates_in_use, breakdown.templates),
        latency=_latency(latency) if latency.latency else None,
        polls=tuple(_row(poll, now) for poll in sight.polls),
    )


def _facts(sight: Sight, now: float) -> Iterator[Fact]:
    yield Fact("Coder", sight.version or "version unknown")
    yield Fact("Time zone", sight.timezone)
    if sight.token_expires is not None:
        left = describe_expiry(sight.token_expires, now)
        yield Fact("Token", f"{left} ({words.clock(sight.token_expires)})", URGENT[sight.expiry_urgency])
    yield Fact("Series", words.number(sum(poll.series for poll in sight.polls)))


def _problems(sight: Sight, now: float) -> Iterator[Problem]:
    """Yield what there is to fix, each cause once with its remedy."""
    for cause in sight.causes:
        off = cause.reason == "disabled"
        heading = SWITCHED_OFF if off else cause.reason.replace("_", " ").capitalize()
        kind = "off" if off else "failing"
        yield Problem(kind, heading, _sentence_of(cause.remedy), cause.detail, ", ".join(cause.datasets))
    if sight.expiry_warning and sight.token_expires is not None:
        heading = f"Token {describe_expiry(sight.token_expires, now)}"
        yield Problem(URGENT[sight.expiry_urgency], heading, _sentence_of(sight.expiry_warning))


def _sentence_of(text: str) -> str:
    """Return a remedy as sentences; those of the log begin in lower case and have no full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def _tiles(sight: Sight, window: str, report: Glance) -> Iterator[Tile]:
    days, today = sight.glance("daus").days, sight.today.toordinal()
    yield Tile("Active today", words.number(days.get(today)), "so far")
    yield Tile("Active yesterday", words.number(days.get(today - 1)), words.day(today - 1))
    yield Tile("Active users", words.number(report.active_users), f"distinct, window {window}")
    if report.apps:
        total = sum(seconds for _, seconds in report.apps.rows) + report.apps.rest
        yield Tile("Time in apps", words.hours(total), f"all apps, window {window}")
    users = sight.glance("user-status-counts").users
    if users:
        others = (f"{words.number(count)} {status}" for status, count in users.items() if status != "active")
        yield Tile("Active accounts", words.number(users.get("active")), ", ".join(others))


def _days_remark(sight: Sight) -> str:
    known, today = sight.days()
    if known and max(known) < today - 1:
        return "The server tells nothing newer: its statistics may stand still."
    if sight.utc_days:
        return f"These are days of UTC: of days of {sight.timezone} Coder does not tell as many."
    if known and len(known) < 3:
        return "In this time zone Coder tells two days at a time; the chart grows while the exporter runs."
    return ""


def _templates_remark(sight: Sight, window: str, in_use: int | None, ranking: Ranking | None) -> str:
    """Return what to show if there are no users by template."""
    if not sight.broken_down:
        return "Templates are not requested one by one."
    if window not in sight.broken_down:
        return f"Templates are requested one by one in: {', '.join(sight.broken_down)}."
    if in_use is None:
        return "No report says which templates were used in this window."
    if in_use and ranking is None:
        return f"Templates used in this window: {words.number(in_use)}. Their users are not available."
    return "No template was used in this window."


def _bars(ranking: Ranking, write: Callable[[float], str], kind: str) -> Bars:
    longest = max((value for _, value in ranking.rows), default=0.0)
    bars = tuple(Bar(name, write(value), 100 * value / longest) for name, value in ranking.rows)
    return Bars(bars, f"and {words.number(ranking.others)} more {kind}" if ranking.others else "")


def _latency(seen: Glance) -> Latency:
    spread = {name: _apart(seen.latency[name]) for name in PERCENTILES if name in seen.latency}
    return Latency(
        chart=bins_chart(seen.bounds, spread, PERCENTILES),
        fair=edge(seen.bounds, FAIR),
        poor=edge(seen.bounds, POOR),
        sentences=tuple(_latency_sentence(name, seen) for name in spread),
        percentiles=tuple((name, PERCENTILES[name]) for name in spread),
    )


def _apart(cumulative: Distribution) -> tuple[int, ...]:
    """Give how many users are in each bucket alone."""
    return tuple(count - below for below, count in pairwise((0, *cumulative.counts)))


def _latency_sentence(percentile: str, seen: Glance) -> str:
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
        state=_STATES[poll.state],
        success_ago=words.ago(poll.last_success, now) if poll.last_success else "never",
        success_at=words.iso(poll.last_success) if poll.last_success else "",
        duration=words.NOTHING if poll.duration is None else words.took(poll.duration),
        every=words.span(poll.every),
        series=words.number(poll.series),
        failing=f"since {words.ago(poll.since, now)}{failing}"
        if poll.state in {"failing", "off"} and poll.since
        else "",
    )
