"""The half hours that count for a window."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.demo.population.timeline import FOUNDED, REGIONS, Span, build_span

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 3 * 365 * 24 * 60).map(lambda minutes: EPOCH + timedelta(minutes=minutes))
DAY = datetime(2026, 5, 20, tzinfo=UTC)


def at(hour: int, minute: int) -> datetime:
    """Return a time of one day."""
    return DAY.replace(hour=hour, minute=minute)


def half_hours(span: Span) -> tuple[int, int, int]:
    """Return a span relative to the day: first, after, minutes."""
    base = DAY.toordinal() * 48
    return span.first - base, span.after - base, span.minutes


def test_past_window_counts_whole_half_hours() -> None:
    """Half hours that are only partly in the window do not count."""
    assert half_hours(build_span(at(1, 10), at(3, 50), at(12, 0))) == (3, 7, 0)


def test_running_half_hour_counts_up_to_the_roll_up() -> None:
    """At 14:44 the half hour from 14:30 has ten minutes."""
    assert half_hours(build_span(at(0, 0), at(15, 0), at(14, 44))) == (0, 29, 10)


@pytest.mark.parametrize(("minute", "after"), [(0, 28), (30, 29)])
def test_half_hour_beyond_the_window_does_not_run(minute: int, after: int) -> None:
    """A window that ends at 14:00 or 14:30 has nothing running at 14:44."""
    assert half_hours(build_span(at(0, 0), at(14, minute), at(14, 44))) == (0, after, 0)


def test_window_in_the_future_is_empty() -> None:
    """A window in the future is empty."""
    assert half_hours(build_span(at(20, 0), at(22, 0), at(14, 44))) == (40, 40, 0)


def test_span_begins_with_the_first_user() -> None:
    """A span never begins before the first user."""
    ages = build_span(datetime.min.replace(tzinfo=UTC), DAY, DAY)

    assert ages == build_span(datetime.combine(date.fromordinal(FOUNDED), time.min, UTC), DAY, DAY)


def test_window_before_the_first_user_is_empty() -> None:
    """A window before the first user is empty."""
    long_ago = datetime(1999, 1, 1, tzinfo=UTC)
    span = build_span(long_ago, long_ago + timedelta(days=7), DAY)

    assert (span.first, 0) == (span.after, span.minutes)


@given(start=MOMENTS, hours=st.integers(0, 24 * 40), now=MOMENTS)
def test_days_of_every_region_cover_the_span_once(start: datetime, hours: int, now: datetime) -> None:
    """The local days of each region cover the span exactly once, also across changes of the clock."""
    span = build_span(start, start + timedelta(hours=hours), now)

    for region in REGIONS:
        clips = [clip for _, clip in span.split_by_day(region)]
        whole = sum(clip.after - clip.first for clip in clips)
        assert abs((span.after - span.first) - whole) <= 2, region
        assert span.minutes * (len(clips) > 0) >= max((clip.minutes for clip in clips), default=0)
