"""Regions with their working hours, and spans of half hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

HALF_HOURS_OF_A_DAY = 48
SECONDS_OF_A_HALF_HOUR = 1800
SATURDAY = 5
FOUNDED = date(2022, 1, 3).toordinal()
"""The day of the first users: before it nothing happened."""
HOLIDAYS = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})


@dataclass(frozen=True, slots=True)
class Region:
    """A place with its share of the users and its usual way to the server.

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
def first_half_hour(region: Region, day: int) -> int:
    """Give the half hour, counted in UTC from day 0, with which a local day (an ordinal) begins."""
    noon = datetime.combine(date.fromordinal(day), time(12), ZoneInfo(region.zone))
    offset = noon.utcoffset()
    ahead = 0 if offset is None else int(offset.total_seconds()) // SECONDS_OF_A_HALF_HOUR
    return day * HALF_HOURS_OF_A_DAY - ahead


@cache
def is_free(day: int) -> bool:
    """Tell whether hardly anybody works on a day (an ordinal)."""
    when = date.fromordinal(day)
    return when.weekday() >= SATURDAY or (when.month, when.day) in HOLIDAYS


MINUTES_OF_A_DAY = 1440
HALF_HOUR = 30
ROLL_UP = 5


class Clip(NamedTuple):
    """The part of a local day that counts: whole half hours, then some minutes of the next."""

    first: int
    after: int
    minutes: int = 0


WHOLE_DAY = Clip(0, HALF_HOURS_OF_A_DAY)


@dataclass(frozen=True, slots=True)
class Span:
    """Half hours, counted in UTC from day 0: whole ones up to `after`, then `minutes` of that one."""

    first: int
    after: int
    minutes: int = 0

    def days(self, region: Region) -> Iterator[tuple[int, Clip]]:
        """Give the local days of a region that the span touches, with their clips."""
        day = self.first // HALF_HOURS_OF_A_DAY - 1
        end = self.after + (self.minutes > 0)
        while day <= end // HALF_HOURS_OF_A_DAY + 1:
            clip = self._clip(first_half_hour(region, day))
            if clip.first < clip.after or clip.minutes:
                yield day, clip
            day += 1

    def _clip(self, begin: int) -> Clip:
        first = min(max(self.first - begin, 0), HALF_HOURS_OF_A_DAY)
        after = min(max(self.after - begin, first), HALF_HOURS_OF_A_DAY)
        runs = self.minutes and 0 <= self.after - begin < HALF_HOURS_OF_A_DAY
        return Clip(first, after, self.minutes if runs else 0)


def span_between(start: datetime, end: datetime, now: datetime) -> Span:
    """Give what counts from `start` up to `end` as rolled up at `now`.

    A half hour counts only if all of it lies in the window. The running one
    counts with the minutes up to the last roll-up.
    """
    first = max(-(-_seconds(start) // (60 * HALF_HOUR)), FOUNDED * HALF_HOURS_OF_A_DAY)
    after = _seconds(end) // (60 * HALF_HOUR)
    rolled = _seconds(now) // (60 * ROLL_UP) * ROLL_UP
    running, minutes = divmod(rolled, HALF_HOUR)
    if after <= running:
        return Span(first, max(first, after))
    return Span(first, max(first, running), minutes if running >= first else 0)


def _seconds(moment: datetime) -> int:
    moment = moment.astimezone(UTC)
    return (moment.toordinal() * MINUTES_OF_A_DAY + moment.hour * 60 + moment.minute) * 60 + moment.second
