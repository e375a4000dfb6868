"""The days and months of a run, and the seconds at which a day's values hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from insights_exporter.backfill.writing import Times, times_of
from insights_exporter.datasets.spans import midnight

HEAD = timedelta(hours=3)
"""What is younger belongs to the head of a running Prometheus."""


@dataclass(frozen=True, slots=True)
class Month:
    """The days of one file, `name` being the year and the month."""

    name: str
    days: Sequence[date]


@dataclass(frozen=True, slots=True)
class Range:
    """From the first instant of `since` up to `until`, in days of `zone`; a sample each `step` seconds."""

    since: date
    until: datetime
    zone: ZoneInfo
    step: int

    @property
    def days(self) -> Sequence[date]:
        """Give the days that have samples."""
        last = self.until.astimezone(self.zone).date()
        count = (last - self.since).days + 1
        return [self.since + timedelta(days=number) for number in range(count)]

    @property
    def months(self) -> Sequence[Month]:
        """Give the days by month."""
        named = groupby(self.days, key=lambda day: f"{day:%Y-%m}")
        return [Month(name, tuple(days)) for name, days in named]

    def times(self, day: date) -> Times:
        """Give the seconds of a day's samples: from its first instant, up to the next day's or the end."""
        first, after = self._start(day), self._start(day + timedelta(days=1))
        return times_of(first, min(after, int(self.until.timestamp())), self.step)

    def _start(self, day: date) -> int:
        return int(midnight(day, self.zone).timestamp())


def latest_end(now: datetime) -> datetime:
    """Give the latest time that history may reach."""
    return now.astimezone(UTC).replace(microsecond=0) - HEAD
