"""A month of days as one OpenMetrics file: series by series, in ascending seconds.

promtool drops what is out of order within a series and takes milliseconds
for a far future, both without a word; so neither can come up here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from insights_exporter.backfill.halting import Halt
from insights_exporter.exposition.spelling import escaped

Times = Sequence[str]
"""The seconds of a day's samples, as they are written."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds: how many series, how many samples, and from when to when (Unix seconds)."""

    path: Path
    series: int
    samples: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a file: its lines by the name of the sample, and the times at which they hold."""

    lines: Mapping[str, str]
    times: Times


def times_of(first: int, after: int, step: int) -> Times:
    """Give the seconds from `first` on, before `after`, each `step`."""
    return [str(second) for second in range(first, after, step)]


def write_month(
    path: Path, names: Mapping[str, str], days: Sequence[Day], labels: Mapping[str, str], halt: Halt
) -> Written:
    """Write the file, whole or not at all, and tell what is in it.

    `names` are those of the samples, with their HELP, in the order of the
    file. `labels` are put into every series, so that history joins what a
    scrape will add.

    Raises:
        Halted: it was called off.
    """
    unfinished = path.with_name(f".{path.name}.part")
    more = "".join(f'{name}="{escaped(value)}",' for name, value in labels.items())
    series = samples = 0
    filled: set[int] = set()
    with unfinished.open("wb") as file:
        for name, documentation in names.items():
            runs = _runs(name, days)
            if runs:
                file.write(f"# HELP {name} {escaped(documentation)}\n# TYPE {name} gauge\n".encode())
            for head, values in runs.items():
                halt.look()
                series += 1
                samples += _write(file, head.replace("{", "{" + more, 1), values, days)
                filled.update(number for number, _ in values)
        file.write(b"# EOF\n")
    unfinished.replace(path)
    times = [days[number].times for number in filled if days[number].times]
    seconds = [int(each[edge]) for each in times for edge in (0, -1)]
    return Written(path, series, samples, min(seconds, default=0), max(seconds, default=0))


def _runs(name: str, days: Sequence[Day]) -> dict[str, list[tuple[int, str]]]:
    """Give for each series of a sample name the days on which it has a value."""
    runs: dict[str, list[tuple[int, str]]] = {}
    for number, day in enumerate(days):
        for line in day.lines.get(name, "").split("\n")[:-1]:
            head, _, value = line.rpartition(" ")
            runs.setdefault(head, []).append((number, value))
    return runs


def _write(file: BufferedIOBase, head: str, values: Sequence[tuple[int, str]], days: Sequence[Day]) -> int:
    written = 0
    for number, value in values:
        times = days[number].times
        if times:
            start = f"{head} {value} "
            between = f"\n{start}"
            file.write(f"{start}{between.join(times)}\n".encode())
            written += len(times)
    return written
