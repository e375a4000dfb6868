"""The days and months of a run, and the seconds of a day's samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from insights_exporter.backfill.openmetrics import Times
from insights_exporter.datasets.timerange import find_midnight

_HEAD = timedelta(hours=3)
"""Younger samples belong to the head block of a running Prometheus."""


@dataclass(frozen=True, slots=True)
class MonthSlice:
    """The days of one file, each with its times; `name` is a year and a month."""

    name: str
    days: Sequence[tuple[date, Times]]

    @property
    def last(self) -> int:
        """Return the second of the last sample."""
        return int(self.days[-1][1][-1])

    def select_after(self, second: int) -> "MonthSlice":
        """Return the part after `second`, named after its own start if something came before."""
        if not self.days or second < int(self.days[0][1][0]):
            return self
        later = [(day, [text for text in times if int(text) > second]) for day, times in self.days]
        left = tuple((day, times) for day, times in later if times)
        start = datetime.fromtimestamp(int(left[0][1][0]), UTC) if left else None
        return MonthSlice(f"{start:%Y-%m-%dT%H%MZ}" if start else self.name, left)


@dataclass(frozen=True, slots=True)
class BackfillRange:
    """From the first instant of `since` up to `until`, in days of `zone`; a sample each `step` seconds."""

    since: date
    until: datetime
    zone: ZoneInfo
    step: int

    @property
    def days(self) -> Sequence[date]:
        """Return the days that have samples."""
        last = (self.until - timedelta(seconds=1)).astimezone(self.zone).date()
        count = (last - self.since).days + 1
        return [self.since + timedelta(days=number) for number in range(count)]

    @property
    def months(self) -> Sequence[MonthSlice]:
        """Return the days by month."""
        named = groupby(self.days, key=lambda day: f"{day:%Y-%m}")
        return [MonthSlice(name, tuple((day, self.list_times(day)) for day in days)) for name, days in named]

    def list_times(self, day: date) -> Times:
        """Return the seconds of a day's samples: from its first instant to the next day's or the end."""
        first, after = (
            int(find_midnight(each, self.zone).timestamp()) for each in (day, day + timedelta(days=1))
        )
        return [str(second) for second in range(first, min(after, int(self.until.timestamp())), self.step)]


def find_latest_end(now: datetime) -> datetime:
    """Return the latest time that history may reach."""
    return now.astimezone(UTC).replace(microsecond=0) - _HEAD
