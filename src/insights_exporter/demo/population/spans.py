"""Spans of half hours: which of them count for a window, seen from a moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from insights_exporter.demo.population.regions import FOUNDED, HALF_HOURS_OF_A_DAY, Region, first_half_hour

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
