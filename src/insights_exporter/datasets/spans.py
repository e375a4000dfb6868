"""Spans of time: which days a window covers, and how Coder is told.

Pure arithmetic on days; the server's rules are in coder-api terms: a start
at 00:00:00 in its own offset, an end at 00:00:00 or at the next full hour.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import msgspec

from insights_exporter.config.settings import Window


class Span(msgspec.Struct, frozen=True, gc=False):
    """From `start` up to `end`, both aware and in the offset to be sent."""

    start: datetime
    end: datetime


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give 00:00:00 of `day` with the offset valid just before it.

    The offset is fixed, not the zone: where clocks jump over midnight,
    00:00:00 is still the instant at which the day begins.
    """
    offset = datetime.combine(day, time.min, zone).utcoffset()
    return datetime.combine(day, time.min, timezone(offset or timedelta()))


def next_full_hour(now: datetime) -> datetime:
    """Give the end of the running hour, in UTC, as the server counts hours."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def window_span(window: Window, now: datetime, zone: ZoneInfo) -> Span:
    """Give what `window` covers at `now`: whole days of `zone`."""
    today = now.astimezone(zone).date()
    if window.include_today:
        return Span(midnight(today - timedelta(days=window.days - 1), zone), next_full_hour(now))
    return days_span(today - timedelta(days=window.days), today, zone)


def days_span(first: date, after: date, zone: ZoneInfo) -> Span:
    """Give the whole days from `first` up to, not including, `after`."""
    return Span(midnight(first, zone), midnight(after, zone))
