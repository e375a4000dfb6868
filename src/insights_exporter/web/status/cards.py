"""Tiles and cards of one deployment: numbers that stand out, and what an empty card says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from insights_exporter.polling.summary import PollSummary
from insights_exporter.web.status import format as words
from insights_exporter.web.status.health import SWITCHED_OFF
from insights_exporter.web.status.state import DeploymentState, State


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that stands out, with its name and a remark."""

    name: str
    value: str
    remark: str = ""


def build_tiles(sight: DeploymentState, window: str) -> tuple[Tile, ...]:
    """Return the tiles of a deployment; days, weeks and months are those of its own time zone."""
    report = sight.summary("templates", window)
    return (
        *_days(sight),
        *_periods(sight),
        Tile("Active users", words.number(report.active_users), f"distinct, {sight.label(window)}"),
        *_time_in_apps(report, sight.label(window)),
        *_accounts(sight.summary("user-status-counts")),
    )


def _days(sight: DeploymentState) -> Iterator[Tile]:
    days, today = sight.summary("daus").days, sight.today.toordinal()
    yield Tile("Active today", words.number(days.get(today)), f"so far, {_day(sight, today)}")
    yield Tile("Active yesterday", words.number(days.get(today - 1)), _day(sight, today - 1))


def _day(sight: DeploymentState, ordinal: int) -> str:
    return f"{words.day(ordinal)} in {sight.timezone}"


def _periods(sight: DeploymentState) -> Iterator[Tile]:
    """Yield the users of the last whole week and month, with those of the one before for comparison."""
    seen = sight.summary("periods")
    today = sight.today.date()
    if seen.weeks:
        remark = f"{words.week(today.toordinal() - today.weekday() - 7)}{_before(seen.weeks, 'week')}"
        yield Tile("Weekly active users", words.number(seen.weeks.get("last")), remark)
    if seen.months:
        last_month = today.replace(day=1) - timedelta(days=1)
        remark = f"{words.month(last_month)}{_before(seen.months, 'month')}"
        yield Tile("Monthly active users", words.number(seen.months.get("last")), remark)


def _before(counts: Mapping[str, float], period: str) -> str:
    before = counts.get("before_last")
    return "" if before is None else f"; {words.number(before)} the {period} before"


def _time_in_apps(report: PollSummary, label: str) -> Iterator[Tile]:
    if report.apps:
        total = sum(seconds for _, seconds in report.apps.rows) + report.apps.rest
        yield Tile("Time in apps", words.hours(total), f"all apps, {label}")


def _accounts(seen: PollSummary) -> Iterator[Tile]:
    if seen.users:
        others = (
            f"{words.number(count)} {status}" for status, count in seen.users.items() if status != "active"
        )
        yield Tile("Active accounts", words.number(seen.users.get("active")), ", ".join(others))


_USUAL_WINDOW = "7d"


@dataclass(frozen=True, slots=True)
class Card:
    """The window of a card in words, a remark if it is not the chosen one, and what an empty card says."""

    period: str
    remark: str
    empty: str


class _Kind(NamedTuple):
    """The dataset of a card, what it says if the dataset has no data, and how to switch it on."""

    dataset: str
    nothing: str
    switch: str
    waiting: str = "Not polled yet."


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "days": _Kind("daus", "Coder reports no days.", "datasets.daus"),
        "apps": _Kind("templates", "No app was used.", "datasets.templates"),
        "templates": _Kind(
            "template-breakdown",
            "No template was used.",
            "templates.breakdown",
            "Not polled yet; a report has to name the templates in use first.",
        ),
        "activity": _Kind("user-activity", "No user was active.", "datasets.user-activity"),
        "latency": _Kind("user-latency", "No user has a latency.", "datasets.user-latency"),
        "parameters": _Kind("templates", "No workspace was built with parameters.", "parameters.windows"),
    }
)

_EMPTY: Mapping[State, str] = MappingProxyType(
    {
        "failing": "No data: the last poll failed.",
        "off": SWITCHED_OFF,
        "unavailable": "This Coder server does not have this data.",
    }
)


def shown_window(chosen: str, available: Sequence[str]) -> str:
    """Return the chosen window if it has the data, else a week, else the first; an empty text without any."""
    if chosen in available or not available:
        return chosen if available else ""
    return _USUAL_WINDOW if _USUAL_WINDOW in available else available[0]


def build_cards(sight: DeploymentState, chosen: str) -> Mapping[str, Card]:
    """Return the cards by name, each for the window that it shows."""
    windows = dict.fromkeys(_KINDS, chosen) | {
        "days": "",
        "templates": shown_window(chosen, sight.broken_down),
        "parameters": shown_window(chosen, sight.parameter_windows),
    }
    return {name: _card(sight, kind, windows[name], chosen) for name, kind in _KINDS.items()}


def _card(sight: DeploymentState, kind: _Kind, window: str, chosen: str) -> Card:
    elsewhere = window not in {"", chosen}
    remark = f"Not polled for {sight.label(chosen)}." if elsewhere else ""
    return Card(sight.label(window), remark, " ".join(_explain_empty(sight, kind, window)))


def _explain_empty(sight: DeploymentState, kind: _Kind, window: str) -> Iterator[str]:
    states = [poll.state for poll in sight.polls if (poll.dataset, poll.window) == (kind.dataset, window)]
    if not states:
        yield f"Disabled in the config (`{kind.switch}`)."
        return
    remark = _explain_templates(sight, window) if kind is _KINDS["templates"] else ""
    if remark:
        yield remark
    texts: dict[State, str] = {**_EMPTY, "waiting": kind.waiting}
    if not remark or states[0] in texts:
        yield texts.get(states[0], kind.nothing)


def _explain_templates(sight: DeploymentState, window: str) -> str:
    """Return what is known of the templates in use if their users are not."""
    report, breakdown = sight.summary("templates", window), sight.summary("template-breakdown", window)
    if report.templates_in_use and breakdown.templates is None:
        return f"{words.count(report.templates_in_use, 'template')} in use; their users are not available."
    if report != PollSummary() and report.templates_in_use is None:
        return "No report names the templates in use."
    return ""
