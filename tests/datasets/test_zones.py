"""Every request of every dataset passes the server's rules, in every zone, when clocks change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from insights_exporter.coder.dialects import SPELLINGS
from insights_exporter.config.settings import Window
from insights_exporter.datasets.dataset import Question, View
from insights_exporter.datasets.spans import next_full_hour
from insights_exporter.datasets.table import DATASETS
from insights_exporter.demo.rules import Accepted, check
from tests.datasets.cases import view_of

YEAR = 2026
QUARTER = timedelta(minutes=15)
HALF_HOUR = timedelta(minutes=30)
WINDOWS = [
    Window(name="today", days=1),
    Window(name="7d", days=7),
    Window(name="30d", days=30),
    Window(name="week", days=7, include_today=False),
]
BY_SPAN = ("daus", "periods", "templates", "user-status-counts")
"""Datasets whose questions cover all: the others ask for the spans of `templates`."""

Offsets = tuple[timedelta | None, ...]


def hours_of_the_year() -> list[datetime]:
    """Give each hour of the year, and a day before and after."""
    first = datetime(YEAR, 1, 1, tzinfo=UTC) - timedelta(days=1)
    return [first + timedelta(hours=hour) for hour in range(367 * 24)]


def zones_by_behaviour() -> dict[Offsets, str]:
    """Give one zone for all that have the same clock over the year."""
    hours = hours_of_the_year()[::6]
    return {
        tuple(hour.astimezone(ZoneInfo(name)).utcoffset() for hour in hours): name
        for name in sorted(available_timezones(), reverse=True)
    }


def changes(zone: ZoneInfo) -> list[datetime]:
    """Give the hours in which the zone's clock changes."""
    hours = hours_of_the_year()
    offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours, offsets, offsets[1:], strict=False) if before != after]


def moments(zone: ZoneInfo) -> Iterator[datetime]:
    """Give each quarter of an hour over the changes of a zone, or over one midnight where there is none."""
    for change in changes(zone) or [datetime(YEAR, 3, 1, tzinfo=UTC)]:
        for quarter in range(-13 * 4, 13 * 4):
            yield change + quarter * QUARTER


def asked(view: View) -> Iterator[tuple[Window | None, Question]]:
    """Give all questions of a moment."""
    for name in BY_SPAN:
        dataset = DATASETS[name]
        for window in dataset.windows(view.deployment):
            for question in dataset.questions(View(view.deployment, window, view.now)):
                yield window, question


def wrong(view: View, window: Window | None, question: Question) -> str:
    """Say what is wrong with a question; empty where nothing is."""
    query = list(SPELLINGS["rfc3339"](question).items())
    verdict = check(question.path, query, view.now)
    if not isinstance(verdict, Accepted):
        return f"{view.now.isoformat()} {view.deployment.timezone} {query}: {verdict}"
    if window is None or verdict.start is None or verdict.end is None:
        return ""
    return wrong_days(view, window, verdict.start, verdict.end)


def wrong_days(view: View, window: Window, start: datetime, end: datetime) -> str:
    """Say whether a span has other days than its window, or lacks the running half hour."""
    zone = ZoneInfo(view.deployment.timezone)
    now = view.now.astimezone(UTC)
    last = now if window.include_today else end.astimezone(UTC) - timedelta(microseconds=1)
    days = (last.astimezone(zone).date() - start.astimezone(zone).date()).days + 1
    running = now - timedelta(seconds=now.timestamp() % HALF_HOUR.total_seconds())
    included = end >= running + HALF_HOUR if window.include_today else end <= now
    return "" if (days, included) == (window.days, True) else f"{now} {zone} {window.name} has {days} days"


@pytest.mark.parametrize("zone", zones_by_behaviour().values())
def test_every_request_is_accepted_while_clocks_change(zone: str) -> None:
    """The window has the days it says, and the running half hour."""
    deployment = view_of(deployment={"timezone": zone, "windows": WINDOWS}).deployment
    views = (View(deployment, None, now.astimezone(ZoneInfo(zone))) for now in moments(ZoneInfo(zone)))
    faults = [fault for view in views for question in asked(view) if (fault := wrong(view, *question))]

    assert [] == faults


@pytest.mark.parametrize("hour", range(24))
def test_status_counts_end_with_the_next_full_hour(hour: int) -> None:
    """The offset that is asked for makes the next full hour a midnight, and is one the server takes."""
    view = replace(view_of(), now=datetime(2026, 5, 20, hour, 31, tzinfo=UTC))
    (question,) = DATASETS["user-status-counts"].questions(view)
    east = int(question.extra["tz_offset"])

    assert -12 <= east <= 11
    assert 0 == (next_full_hour(view.now) + timedelta(hours=east)).hour
