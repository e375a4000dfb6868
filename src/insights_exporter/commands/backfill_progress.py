"""What `backfill` prints: its progress, and the estimate of a dry run."""

import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import typer
from rich.filesize import decimal

from insights_exporter.backfill.fetch import DaySamples
from insights_exporter.backfill.openmetrics import FileStats
from insights_exporter.backfill.promtool import build_import_command
from insights_exporter.backfill.timeline import BackfillRange

_EXAMPLE_DATA_FOLDER = Path("/path/to/prometheus/data")
_TIMESTAMP_LENGTH = len(" 1700000000")


class BackfillProgress:
    """Prints one line per file: its content, and how much of the run is done.

    With `print_commands` also the command that imports the file.
    """

    def __init__(self, days: int, advance: Callable[[], None], *, print_commands: bool) -> None:
        self._days = days
        self._done = 0
        self._advance = advance
        self._print_commands = print_commands

    def on_days(self, count: int) -> None:
        """Count finished days."""
        self._done += count
        for _ in range(count):
            self._advance()

    def on_file(self, stats: FileStats) -> None:
        """Print the content of a file and the progress."""
        content = f"{stats.path}: {stats.series:,} series, {stats.samples:,} samples"
        typer.echo(f"{content}; {self._done} of {self._days} days", err=True)
        if self._print_commands and stats.samples:
            typer.echo(shlex.join(build_import_command(stats.path, _EXAMPLE_DATA_FOLDER)))


def format_minutes(seconds: float) -> str:
    """Return a duration in hours and minutes, at least `1 min`."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{max(minutes, 1)} min"


def estimate(
    span: BackfillRange,
    measured: Sequence[DaySamples],
    requests: int,
    per_minute: float,
    labels: Mapping[str, str],
) -> str:
    """Return what all days will take if they are like the measured ones on average.

    `requests` is the total of the measured days, `labels` are added to each line.
    """
    added = _TIMESTAMP_LENGTH + sum(len(f'{name}="{value}",') for name, value in labels.items())
    blocks = [block for day in measured for block in day.values()]
    series = sum(block.count("\n") for block in blocks) / len(measured)
    text = sum(len(block.encode()) for block in blocks) / len(measured)
    times = sum(len(span.list_times(day)) for day in span.days)
    total = math.ceil(requests / len(measured) * len(span.days))
    return (
        f"{len(span.days)} days, at most {total:,} requests in {format_minutes(total / per_minute * 60)}, "
        f"about {round(series * times):,} samples, "
        f"{decimal(round((text + series * added) * times))} of text"
    )
