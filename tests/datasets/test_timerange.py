"""Days of any zone as time ranges of requests."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.config.models import Window
from insights_exporter.datasets.timerange import (
    compute_window_range,
    find_midnight,
    find_next_full_hour,
    span_days,
)

MIDNIGHTS = {
    "UTC": ("UTC", date(2026, 5, 20), "2026-05-20T00:00:00+00:00"),
    "summer": ("Europe/Berlin", date(2026, 7, 1), "2026-07-01T00:00:00+02:00"),
    "the day clocks go forward": ("Europe/Berlin", date(2026, 3, 29), "2026-03-29T00:00:00+01:00"),
    "the day after": ("Europe/Berlin", date(2026, 3, 30), "2026-03-30T00:00:00+02:00"),
    "the day clocks go back": ("Europe/Berlin", date(2026, 10, 25), "2026-10-25T00:00:00+02:00"),
    "half an hour": ("Asia/Kolkata", date(2026, 5, 20), "2026-05-20T00:00:00+05:30"),
    "three quarters": ("Asia/Kathmandu", date(2026, 5, 20), "2026-05-20T00:00:00+05:45"),
    "half an hour of summer": ("Australia/Lord_Howe", date(2026, 4, 6), "2026-04-06T00:00:00+10:30"),
    "no midnight in Sao Paulo": ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T00:00:00-03:00"),
    "no midnight in Cairo": ("Africa/Cairo", date(2026, 4, 24), "2026-04-24T00:00:00+02:00"),
    "no midnight in Beirut": ("Asia/Beirut", date(2026, 3, 29), "2026-03-29T00:00:00+02:00"),
    "no midnight in the Azores": ("Atlantic/Azores", date(2026, 3, 29), "2026-03-29T00:00:00-01:00"),
    "two midnights in the Azores": ("Atlantic/Azores", date(2026, 10, 25), "2026-10-25T00:00:00+00:00"),
    "two midnights in Havana": ("America/Havana", date(2026, 11, 1), "2026-11-01T00:00:00-04:00"),
}


@pytest.mark.parametrize(("zone", "day", "expected"), MIDNIGHTS.values(), ids=MIDNIGHTS)
def test_midnight_has_the_offset_valid_just_before_it(zone: str, day: date, expected: str) -> None:
    """A day begins at its first instant, which is sent as 00:00:00."""
    assert expected == find_midnight(day, ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize(("zone", "day", "_expected"), MIDNIGHTS.values(), ids=MIDNIGHTS)
def test_midnight_is_where_the_day_begins(zone: str, day: date, _expected: str) -> None:
    """The instant before it is another day, the instant itself is that day."""
    begins = find_midnight(day, ZoneInfo(zone)).astimezone(UTC)

    assert day == begins.astimezone(ZoneInfo(zone)).date()
    assert day > (begins - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date()


HOURS = {
    "within": ("2026-05-20T14:31:59+00:00", "2026-05-20T15:00:00+00:00"),
    "full": ("2026-05-20T14:00:00+00:00", "2026-05-20T15:00:00+00:00"),
    "last of the day": ("2026-12-31T23:59:59+00:00", "2027-01-01T00:00:00+00:00"),
    "half-hour zone": ("2026-05-20T14:20:00+05:30", "2026-05-20T09:00:00+00:00"),
}


@pytest.mark.parametrize(("now", "expected"), HOURS.values(), ids=HOURS)
def test_hours_are_those_of_utc(now: str, expected: str) -> None:
    """The server truncates to hours in UTC, for any time zone."""
    assert expected == find_next_full_hour(datetime.fromisoformat(now)).isoformat()


SPANS = {
    "today": ("UTC", 1, True, ("2026-05-20T00:00:00+00:00", "2026-05-20T15:00:00+00:00")),
    "7d": ("UTC", 7, True, ("2026-05-14T00:00:00+00:00", "2026-05-20T15:00:00+00:00")),
    "7 whole days": ("UTC", 7, False, ("2026-05-13T00:00:00+00:00", "2026-05-20T00:00:00+00:00")),
    "today in Auckland": (
        "Pacific/Auckland",
        1,
        True,
        ("2026-05-21T00:00:00+12:00", "2026-05-20T15:00:00+00:00"),
    ),
    "60 days over the change": (
        "Europe/Berlin",
        60,
        True,
        ("2026-03-22T00:00:00+01:00", "2026-05-20T15:00:00+00:00"),
    ),
    "whole days over it": (
        "Europe/Berlin",
        60,
        False,
        ("2026-03-21T00:00:00+01:00", "2026-05-20T00:00:00+02:00"),
    ),
}


@pytest.mark.parametrize(("zone", "days", "include_today", "expected"), SPANS.values(), ids=SPANS)
def test_window_is_whole_days_of_the_zone(
    zone: str,
    days: int,
    include_today: bool,
    expected: tuple[str, str],
) -> None:
    """A window has its number of calendar days, the running one up to the next full hour."""
    window = Window(name="w", days=days, include_today=include_today)
    span = compute_window_range(window, datetime(2026, 5, 20, 14, 31, tzinfo=UTC), ZoneInfo(zone))

    assert expected == (span.start.isoformat(), span.end.isoformat())


def test_days_span_keeps_the_offset_of_each_end() -> None:
    """A span over a change of clocks has two offsets and an hour less."""
    span = span_days(date(2026, 3, 29), date(2026, 3, 30), ZoneInfo("Europe/Berlin"))

    assert timedelta(hours=23) == span.end - span.start
