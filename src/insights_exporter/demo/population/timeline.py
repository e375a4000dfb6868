"""Regions with their working hours, and spans of half hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTES_PER_DAY = 1440
HALF_HOUR = 30
"""Minutes."""
ROLLUP_MINUTES = 5
HALF_HOURS_PER_DAY = 48
SATURDAY = 5
FOUNDED = date(2022, 1, 3).toordinal()
"""The day of the first users; there is no activity before it."""
HOLIDAYS = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})


@dataclass(frozen=True, slots=True)
class Region:
    """A region with its share of the users and its latency to the server.

    `latency_ms` is the median of its users' medians, `spread` the sigma of
    their logarithms. Offsets to UTC are whole half hours.
    """

    zone: str
    share: int
    latency_ms: float
    spread: float


REGIONS = (
    Region("America/Los_Angeles", 14, 95.0, 0.35),
    Region("America/New_York", 18, 48.0, 0.35),
    Region("America/Sao_Paulo", 8, 165.0, 0.30),
    Region("Europe/Berlin", 30, 14.0, 0.45),
    Region("Europe/London", 12, 24.0, 0.40),
    Region("Asia/Kolkata", 12, 190.0, 0.35),
    Region("Australia/Sydney", 6, 285.0, 0.25),
)


@cache
def find_first_half_hour(region: Region, day: int) -> int:
    """Return the half hour, counted in UTC from day 0, with which a local day (an ordinal) begins."""
    noon = datetime.combine(date.fromordinal(day), time(12), ZoneInfo(region.zone))
    offset = noon.utcoffset() or timedelta()
    return day * HALF_HOURS_PER_DAY - offset // timedelta(minutes=HALF_HOUR)


@cache
def is_day_off(day: int) -> bool:
    """Return whether a day (an ordinal) is a weekend or a holiday."""
    date_ = date.fromordinal(day)
    return date_.weekday() >= SATURDAY or (date_.month, date_.day) in HOLIDAYS


class Span(NamedTuple):
    """Half hours: whole ones up to `after`, then `minutes` of that one.

    They are counted in UTC from day 0, or from the beginning of a local day if they are a part of it.
    """

    first: int
    after: int
    minutes: int = 0

    def split_by_day(self, region: Region) -> Iterator[tuple[int, "Span"]]:
        """Yield the local days of a region in the span, each with the part that lies in it."""
        for day in range(self.first // HALF_HOURS_PER_DAY - 1, self.after // HALF_HOURS_PER_DAY + 2):
            begin = find_first_half_hour(region, day)
            first = min(max(self.first - begin, 0), HALF_HOURS_PER_DAY)
            after = min(max(self.after - begin, first), HALF_HOURS_PER_DAY)
            minutes = self.minutes if 0 <= self.after - begin < HALF_HOURS_PER_DAY else 0
            if first < after or minutes:
                yield day, Span(first, after, minutes)


def build_span(start: datetime, end: datetime, now: datetime) -> Span:
    """Return the span from `start` to `end` as rolled up at `now`.

    A half hour counts only if all of it is in the window. The running one
    counts with the minutes up to the last rollup.
    """
    first = max(-(-_count_seconds(start) // (60 * HALF_HOUR)), FOUNDED * HALF_HOURS_PER_DAY)
    after = _count_seconds(end) // (60 * HALF_HOUR)
    rolled = _count_seconds(now) // (60 * ROLLUP_MINUTES) * ROLLUP_MINUTES
    running, minutes = divmod(rolled, HALF_HOUR)
    if after <= running:
        return Span(first, max(first, after))
    return Span(first, max(first, running), minutes if running >= first else 0)


def _count_seconds(moment: datetime) -> int:
    moment = moment.astimezone(UTC)
    return (moment.toordinal() * MINUTES_PER_DAY + moment.hour * 60 + moment.minute) * 60 + moment.second
