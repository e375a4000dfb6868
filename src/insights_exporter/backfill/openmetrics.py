"""OpenMetrics files of a month: written and verified.

Both yield to the event loop as they go, so that a cancelled run ends soon.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from insights_exporter.exposition.text import escape_label

Times = Sequence[str]
"""Unix seconds of a day's samples, as text."""

_EOF = b"# EOF\n"
_YEAR_3000 = 32_503_680_000
"""Later times are not in seconds."""


@dataclass(frozen=True, slots=True)
class FileStats:
    """Number of series and samples in a file, and its first and last Unix second."""

    path: Path
    series: int
    samples: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a file: sample lines by sample name, and the times at which they hold."""

    lines: Mapping[str, str]
    times: Times


class VerificationError(Exception):
    """A file does not hold what was written; the message has file, line and problem."""


async def write_month(
    path: Path, names: Mapping[str, str], days: Sequence[Day], labels: Mapping[str, str]
) -> FileStats:
    """Write a file, atomically, and return what is in it.

    `names` are the sample names with their HELP, in the order of the file.
    `labels` are added to every series, so that history joins what a scrape
    adds.
    """
    unfinished = path.with_name(f".{path.name}.part")
    added = "".join(f'{name}="{escape_label(value)}",' for name, value in labels.items())
    series = samples = 0
    filled: set[int] = set()
    with unfinished.open("wb") as file:
        for name, documentation in names.items():
            values_by_head = _group_by_series(name, days)
            if values_by_head:
                file.write(f"# HELP {name} {escape_label(documentation)}\n# TYPE {name} gauge\n".encode())
            for head, values in values_by_head.items():
                await asyncio.sleep(0)
                series += 1
                samples += _write_series(file, head.replace("{", "{" + added, 1), values, days)
                filled.update(number for number, _ in values)
        file.write(_EOF)
    unfinished.replace(path)
    times = [days[number].times for number in filled if days[number].times]
    seconds = [int(each[edge]) for each in times for edge in (0, -1)]
    return FileStats(path, series, samples, min(seconds, default=0), max(seconds, default=0))


def _group_by_series(name: str, days: Sequence[Day]) -> dict[str, list[tuple[int, str]]]:
    """Return the number of each day with a value, and the value, by series."""
    series: dict[str, list[tuple[int, str]]] = {}
    for number, day in enumerate(days):
        for line in day.lines.get(name, "").split("\n")[:-1]:
            head, _, value = line.rpartition(" ")
            series.setdefault(head, []).append((number, value))
    return series


def _write_series(
    file: BufferedIOBase, head: str, values: Sequence[tuple[int, str]], days: Sequence[Day]
) -> int:
    """Write a series and return how many samples it has."""
    samples = 0
    for number, value in values:
        times = days[number].times
        if times:
            start = f"{head} {value} "
            separator = f"\n{start}"
            file.write(f"{start}{separator.join(times)}\n".encode())
            samples += len(times)
    return samples


async def check_file(expected: FileStats) -> None:
    """Read a file as a stream: each series once and ascending, all samples, nothing after the end.

    Raises:
        VerificationError: The file differs.
    """
    reader = _Reader(expected.path)
    for number, line in enumerate(_read_body(expected.path), 1):
        if not line.startswith(b"#"):
            reader.read(number, line)
            if not number % 10_000:
                await asyncio.sleep(0)
    found = FileStats(expected.path, len(reader.heads), reader.samples, reader.first, reader.last)
    if found != expected:
        raise VerificationError(f"{expected.path}: has {_describe(found)}, expected {_describe(expected)}")


class _Reader:
    """Counts and checks the samples of a file, line by line."""

    def __init__(self, path: Path) -> None:
        self.heads: set[bytes] = set()
        self.samples = self.first = self.last = 0
        self._path = path
        self._start = self._head = b""
        self._second = -1

    def read(self, number: int, line: bytes) -> None:
        """Count the sample of a line; raises VerificationError."""
        start, _, digits = line[:-1].rpartition(b" ")
        second = int(digits) if digits.isdigit() else _YEAR_3000
        if second >= _YEAR_3000:
            raise self._error(number, f"{digits[:30]!r} is not a time in seconds")
        if start != self._start:  # most lines differ from the one before by their time only
            self._read_start(number, start)
        if second <= self._second:
            raise self._error(number, "time does not increase within a series")
        self._second = second
        self.first = min(self.first, second) if self.samples else second
        self.last = max(self.last, second)
        self.samples += 1

    def _read_start(self, number: int, start: bytes) -> None:
        """Check the value, and whether another series begins."""
        head, _, value = start.rpartition(b" ")
        try:
            float(value)
        except ValueError:
            raise self._error(number, f"{value[:30]!r} is not a value") from None
        if head != self._head:
            if head in self.heads:
                raise self._error(number, "a series continues after another one")
            self.heads.add(head)
            self._head, self._second = head, -1
        self._start = start

    def _error(self, number: int, what: str) -> VerificationError:
        return VerificationError(f"{self._path}:{number}: {what}")


def _read_body(path: Path) -> Iterator[bytes]:
    """Yield the lines before `# EOF`, which must be the last line; raises VerificationError."""
    ended = False
    with path.open("rb") as file:
        for line in file:
            if ended:
                raise VerificationError(f"{path}: continues after # EOF")
            ended = line == _EOF
            if not ended:
                yield line
    if not ended:
        raise VerificationError(f"{path}: does not end with # EOF")


def _describe(stats: FileStats) -> str:
    return f"{stats.series} series with {stats.samples} samples from {stats.first} to {stats.last}"
