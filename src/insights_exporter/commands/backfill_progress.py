"""What `backfill` says while it works, and before it does."""

import math
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul
from pathlib import Path

import typer

from insights_exporter.backfill import promtool as importing
from insights_exporter.backfill.fetch import DayLines
from insights_exporter.backfill.openmetrics import FileStats
from insights_exporter.backfill.timeline import BackfillRange
from insights_exporter.coder.errors import ApiError

_ANY_DATA_FOLDER = Path("/path/to/prometheus/data")
_TIME = len(" 1700000000")


class BackfillProgress:
    """A line a file: what is in it, how far the run is, how long it still takes."""

    def __init__(self, days: int, advance: Callable[[], None], *, by_hand: bool) -> None:
        self._days = days
        self._done = self._asked = 0
        self._advance = advance
        self._by_hand = by_hand
        self._started = time.monotonic()

    def days(self, count: int, *, asked: bool) -> None:
        """Record days that are done."""
        self._done += count
        self._asked += count if asked else 0
        for _ in range(count):
            self._advance()

    def waits(self, failure: ApiError, seconds: float) -> None:
        """Tell that Coder does not answer for now."""
        typer.echo(f"Coder does not answer ({failure}); asking again in {seconds:.0f} s", err=True)

    def finished(self, written: FileStats) -> None:
        """Tell of a file; and how it is imported, where that is left to be done by hand."""
        said = f"{written.path}: {written.series} series, {written.samples} samples"
        typer.echo(f"{said}; {self._done} of {self._days} days{self._left()}", err=True)
        if self._by_hand and written.samples:
            typer.echo(shlex.join(importing.command(written.path, _ANY_DATA_FOLDER)))

    def _left(self) -> str:
        if not self._asked or self._done == self._days:
            return ""
        spent = time.monotonic() - self._started
        return f", about {duration(spent / self._asked * (self._days - self._done))} left"


def duration(seconds: float) -> str:
    """Spell a time as people say it."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(minutes, 1)} min"


@dataclass(frozen=True, slots=True)
class DaySize:
    """What one point of time of a day takes: series, and bytes of text without added labels."""

    series: int
    text: int


def measure_day(lines: DayLines) -> DaySize:
    """Return the size of a day's lines, each with the time that it will have."""
    series = sum(block.count("\n") for block in lines.values())
    return DaySize(series, sum(len(block.encode()) for block in lines.values()) + series * _TIME)


def days_to_measure(count: int) -> Sequence[int]:
    """Return which of `count` days a dry run asks for: the first, the middle and the last."""
    return sorted({0, count // 2, count - 1})


def estimate(
    span: BackfillRange, sizes: Mapping[int, DaySize], requests: int, per_minute: float, added: int
) -> str:
    """Return what all days will take, judged by those measured: the days between lie on a line.

    `sizes` are by the number of the day, `requests` those of the measured
    days together, `added` is the length of the labels that each line gets.
    """
    times = [len(span.times(day)) for day in span.days]
    series = _interpolate({number: size.series for number, size in sizes.items()}, len(times))
    text = _interpolate(
        {number: size.text + size.series * added for number, size in sizes.items()}, len(times)
    )
    asked = math.ceil(requests / len(sizes) * len(times))
    return (
        f"{len(times)} days, at most {asked:,} requests in {duration(asked / per_minute * 60)}, "
        f"about {round(sum(map(mul, series, times))):,} samples, "
        f"{format_size(sum(map(mul, text, times)))} of text"
    )


def format_size(size: float) -> str:
    """Return bytes as `84.2 MB`, from a gigabyte on as `1.3 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _interpolate(known: Mapping[int, float], count: int) -> Sequence[float]:
    numbers = sorted(known)
    values: list[float] = [known[numbers[0]]]
    for before, after in pairwise(numbers):
        step = (known[after] - known[before]) / (after - before)
        values += [known[before] + step * number for number in range(1, after - before + 1)]
    return values[:count]
