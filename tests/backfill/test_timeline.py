"""The days, months and seconds of a run."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.backfill.timeline import BackfillRange, find_latest_end

BERLIN = ZoneInfo("Europe/Berlin")


def span(since: date, until: datetime, zone: str = "UTC", step: int = 285) -> BackfillRange:
    """Return a range."""
    return BackfillRange(since, until, ZoneInfo(zone), step)


def test_days_reach_to_the_end() -> None:
    """The last day is the one in which the end lies."""
    days = span(date(2026, 2, 27), datetime(2026, 3, 1, 5, tzinfo=UTC)).days

    assert days == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]


def test_months_split_the_days() -> None:
    """Each month has its own days, and none is missing."""
    months = span(date(2026, 2, 27), datetime(2026, 3, 2, 5, tzinfo=UTC)).months

    assert [(month.name, len(month.days)) for month in months] == [("2026-02", 2), ("2026-03", 2)]


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        pytest.param("UTC", date(2026, 3, 29), 24, id="a usual day"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), 23, id="clocks go forward"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), 25, id="clocks go back"),
        pytest.param("Africa/Cairo", date(2026, 4, 24), 23, id="midnight does not exist"),
    ],
)
def test_length_of_a_day(zone: str, day: date, expected: int) -> None:
    """A day is as long as it is in its time zone."""
    times = span(day, datetime(2027, 1, 1, tzinfo=UTC), zone, step=1).list_times(day)

    assert len(times) == expected * 3600


def test_gaps_are_below_what_prometheus_looks_back() -> None:
    """Samples are less than 5 minutes apart, also over midnight and both changes of the clock."""
    year = span(date(2026, 1, 1), datetime(2027, 1, 1, tzinfo=UTC), "Europe/Berlin")

    seconds = [int(text) for day in year.days for text in year.list_times(day)]

    assert max(after - before for before, after in pairwise(seconds)) < 300
    assert seconds == sorted(set(seconds))


def test_end_cuts_the_last_day() -> None:
    """No sample is at or after the end."""
    until = datetime(2026, 3, 1, 5, 7, 30, tzinfo=UTC)

    assert int(span(date(2026, 3, 1), until).list_times(date(2026, 3, 1))[-1]) < until.timestamp()


def test_head_of_a_running_prometheus_is_left_alone() -> None:
    """History ends three hours before now."""
    now = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=BERLIN)

    assert find_latest_end(now) == datetime(2026, 3, 1, 8, tzinfo=UTC)
