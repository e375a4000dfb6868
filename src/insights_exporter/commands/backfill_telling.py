"""What `backfill` says while it works, and before it does."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path

import typer

from insights_exporter.backfill import importing
from insights_exporter.backfill.calendar import Range
from insights_exporter.backfill.day import DayLines
from insights_exporter.backfill.writing import Written
from insights_exporter.coder.failures import RequestFailed

_ANY_DATA_FOLDER = Path("/path/to/prometheus/data")
_TIME = len(" 1700000000")


class Telling:
    """A line a file: what is in it, how far the run is, how long it still takes."""

    def __init__(self, days: int, advance: Callable[[], None], *, by_hand: bool) -> None:
        self._days = days
        self._done = self._asked = 0
        self._advance = advance
        self._by_hand = by_hand
        self._started = time.monotonic()

    def days(self, count: int, *, asked: bool) -> None:
        """Take note of days that are done."""
        self._done += count
        self._asked += count if asked else 0
        for _ in range(count):
            self._advance()

    def waits(self, failure: RequestFailed, seconds: float) -> None:
        """Tell that Coder does not answer for now."""
        typer.echo(f"Coder does not answer ({failure}); asking again in {seconds:.0f} s", err=True)

    def finished(self, written: Written) -> None:
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


def estimate(span: Range, requests: int, per_minute: float, lines: DayLines, added: int) -> str:
    """Say what all days will take, judged by one: its requests, and its lines, each `added` longer."""
    series = sum(block.count("\n") for block in lines.values())
    samples = series * sum(len(span.times(day)) for day in span.days)
    line = sum(len(block.encode()) for block in lines.values()) / max(series, 1) + added + _TIME
    asked = requests * len(span.days)
    return (
        f"{len(span.days)} days, at most {asked} requests in {duration(asked / per_minute * 60)}, "
        f"{samples} samples, {samples * line / 1e9:.1f} GB of text"
    )
