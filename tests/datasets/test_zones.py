"""Every request of every dataset passes the server's rules, in every zone, when clocks change."""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo, available_timezones

import pytest

from insights_exporter.coder.request import Request, encode_query
from insights_exporter.config.models import Window
from insights_exporter.datasets.base import PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import SERVER_VERSIONS
from insights_exporter.demo.error_responses import Refused
from insights_exporter.demo.validation import validate_query
from tests.datasets.cases import load_context

YEAR = 2026
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
MOMENT = timedelta(microseconds=1)
HALF_HOUR = 1800
TEMPLATE = "b0a5c9a0-7ad8-4d6b-8a49-0f1b4c1f8f4a"
WINDOWS = [
    Window(name="today", days=1),
    Window(name="7d", days=7),
    Window(name="30d", days=30),
    Window(name="week", days=7, include_today=False),
]
FIRST = datetime(YEAR, 1, 1, tzinfo=UTC) - timedelta(days=1)
DAYS = 367
REACH_BACK = 100
"""More days than any request reaches back."""

Clock = tuple[tuple[datetime, timedelta | None], ...]


def describe_clock(zone: ZoneInfo, days_before: int = 0) -> Clock:
    """Return the times from which each offset is valid, to the quarter of an hour."""
    moment, clock = FIRST - timedelta(days=days_before), list[tuple[datetime, timedelta | None]]()
    while moment < FIRST + timedelta(days=DAYS):
        offset = moment.astimezone(zone).utcoffset()
        if not clock or offset != clock[-1][1]:
            clock.append((_find_day_start(moment, zone) if clock else moment, offset))
        moment += DAY
    return tuple(clock)


def _find_day_start(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the first quarter of an hour with the offset that is valid at `moment`."""
    offset = moment.astimezone(zone).utcoffset()
    while (moment - QUARTER).astimezone(zone).utcoffset() == offset:
        moment -= QUARTER
    return moment


def group_zones_by_clock() -> dict[Clock, str]:
    """Return one zone for all whose clocks are equal wherever a request reaches.

    Requests depend on the clock of a zone alone.
    """
    return {
        describe_clock(ZoneInfo(name), REACH_BACK): name
        for name in sorted(available_timezones(), reverse=True)
    }


def changes(zone: ZoneInfo) -> list[datetime]:
    """Return when the zone's clock changes in the year."""
    return [began for began, _ in describe_clock(zone)[1:]]


def list_moments(zone: ZoneInfo) -> Iterator[datetime]:
    """Yield every third quarter of an hour around the changes of a zone, or around one midnight."""
    for change in changes(zone) or [datetime(YEAR, 3, 1, tzinfo=UTC)]:
        for quarter in range(-13 * 4, 13 * 4, 3):
            yield change + quarter * QUARTER


def create_requests(context: PollContext) -> Iterator[tuple[Window | None, Request]]:
    """Yield all requests for insights of all datasets at a moment."""
    for dataset in DATASETS.values():
        for window in dataset.windows(context.deployment):
            for request in dataset.requests(replace(context, window=window)):
                if request.path.startswith("/insights/"):
                    yield window, request


def find_wrong_requests(context: PollContext, window: Window | None, request: Request) -> str:
    """Return what is wrong with a request, empty if nothing is."""
    query = list(encode_query(request).items())
    try:
        parsed = validate_query(request.path, query, context.now, SERVER_VERSIONS["2026"])
    except Refused as refused:
        return f"{context.now.isoformat()} {context.deployment.timezone} {query}: {refused}"
    if request.span is None:
        return ""
    first, last = compute_expected_days(context.now.date(), window, request.subject)
    return find_wrong_days(context.now, first, last, (parsed.start, parsed.end))


def compute_expected_days(today: date, window: Window | None, subject: str) -> tuple[date, date]:
    """Return the first and the last day that a request is about."""
    if window is None:
        return SUBJECTS[subject](today)
    last = today if window.include_today else today - DAY
    return last - (window.days - 1) * DAY, last


def week_before(weeks: int, today: date) -> tuple[date, date]:
    """Return Monday and Sunday of the ISO week `weeks` before that of `today`."""
    year, week, _ = (today - weeks * WEEK).isocalendar()
    return date.fromisocalendar(year, week, 1), date.fromisocalendar(year, week, 7)


def month_before(months: int, today: date) -> tuple[date, date]:
    """Return the first and the last day of the month `months` before that of `today`."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    first = date(year, month + 1, 1)
    return first, first.replace(day=monthrange(year, month + 1)[1])


SUBJECTS: Mapping[str, Callable[[date], tuple[date, date]]] = MappingProxyType(
    {
        "today": lambda today: (today, today),
        "yesterday": lambda today: (today - DAY, today - DAY),
        "week:last": partial(week_before, 1),
        "week:before_last": partial(week_before, 2),
        "month:last": partial(month_before, 1),
        "month:before_last": partial(month_before, 2),
    }
)


def find_wrong_days(now: datetime, first: date, last: date, requested: tuple[datetime, datetime]) -> str:
    """Return what is wrong with the days of a span, empty if nothing is."""
    zone = now.tzinfo
    running = now.timestamp() // HALF_HOUR * HALF_HOUR
    begins, ends = ((edge - MOMENT).astimezone(zone).date() for edge in requested)
    if last == now.date():
        right = (begins, ends >= last, requested[1].timestamp() >= running + HALF_HOUR)
        return "" if right == (first - DAY, True, True) else f"{now} {zone} {first} up to now: {requested}"
    return "" if (begins, ends) == (first - DAY, last) else f"{now} {zone} {first} to {last}: {requested}"


@pytest.mark.parametrize("zone", group_zones_by_clock().values())
def test_every_request_is_accepted_while_clocks_change(zone: str) -> None:
    """Windows, days, weeks and months have the expected days, running days up to the running half hour."""
    deployment = load_context(deployment={"timezone": zone, "windows": WINDOWS}).deployment
    contexts = (
        PollContext(deployment, None, now.astimezone(ZoneInfo(zone)), in_use=(TEMPLATE,))
        for now in list_moments(ZoneInfo(zone))
    )
    problems = [
        find_wrong_requests(context, *request) for context in contexts for request in create_requests(context)
    ]

    assert [] == [*filter(None, problems)]
