"""OpenMetrics files of a month: written and verified."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from insights_exporter.backfill.cancellation import CancelToken
from insights_exporter.exposition.text import escape_label

Times = Sequence[str]
"""The seconds of a day's samples, as they are written."""


@dataclass(frozen=True, slots=True)
class FileStats:
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
    path: Path,
    names: Mapping[str, str],
    days: Sequence[Day],
    labels: Mapping[str, str],
    cancel_token: CancelToken,
) -> FileStats:
    """Write the file, whole or not at all, and tell what is in it.

    `names` are those of the samples, with their HELP, in the order of the
    file. `labels` are put into every series, so that history joins what a
    scrape will add.

    Raises:
        Halted: it was called off.
    """
    unfinished = path.with_name(f".{path.name}.part")
    more = "".join(f'{name}="{escape_label(value)}",' for name, value in labels.items())
    series = samples = 0
    filled: set[int] = set()
    with unfinished.open("wb") as file:
        for name, documentation in names.items():
            runs = _runs(name, days)
            if runs:
                file.write(f"# HELP {name} {escape_label(documentation)}\n# TYPE {name} gauge\n".encode())
            for head, values in runs.items():
                cancel_token.look()
                series += 1
                samples += _write(file, head.replace("{", "{" + more, 1), values, days)
                filled.update(number for number, _ in values)
        file.write(b"# EOF\n")
    unfinished.replace(path)
    times = [days[number].times for number in filled if days[number].times]
    seconds = [int(each[edge]) for each in times for edge in (0, -1)]
    return FileStats(path, series, samples, min(seconds, default=0), max(seconds, default=0))


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


_EOF = b"# EOF\n"
_LATEST = 32_503_680_000
"""The first second of the year 3000: what is later are no seconds."""


class VerificationError(Exception):
    """A file is not what was meant; the message names it, the place and the matter."""


def check_file(meant: FileStats, cancel_token: CancelToken) -> None:
    """Read the file as a stream: every series once and ascending, all samples there, nothing after the end.

    Raises:
        BadFile: it is not so.
        Halted: it was called off.
    """
    found = _Found(meant.path)
    for number, line in enumerate(_body(meant.path), 1):
        if not line.startswith(b"#"):
            found.add(number, line)
            if not number % 10_000:
                cancel_token.look()
    told = FileStats(meant.path, len(found.seen), found.samples, found.first, found.latest)
    if told != meant:
        raise VerificationError(f"{meant.path}: has {_counted(told)}, meant were {_counted(meant)}")


class _Found:
    """What a file was found to hold so far."""

    def __init__(self, path: Path) -> None:
        self.seen: set[bytes] = set()
        self.samples = self.first = self.latest = 0
        self._path = path
        self._start = self._head = b""
        self._last = -1

    def add(self, number: int, line: bytes) -> None:
        """Take the next sample's line; raises BadFile."""
        start, _, digits = line[:-1].rpartition(b" ")
        second = int(digits) if digits.isdigit() else _LATEST
        if second >= _LATEST:
            raise self._bad(number, f"{digits[:30]!r} is no time in seconds")
        if start != self._start:  # else only the time is another one
            self._begin(number, start)
        if second <= self._last:
            raise self._bad(number, "time does not go on within a series")
        self._last = second
        self.first = min(self.first, second) if self.samples else second
        self.latest = max(self.latest, second)
        self.samples += 1

    def _begin(self, number: int, start: bytes) -> None:
        """Take another value, or another series."""
        head, _, value = start.rpartition(b" ")
        if not _is_number(value):
            raise self._bad(number, f"{value[:30]!r} is no value")
        if head != self._head:
            if head in self.seen:
                raise self._bad(number, "a series goes on after another one")
            self.seen.add(head)
            self._head, self._last = head, -1
        self._start = start

    def _bad(self, number: int, matter: str) -> VerificationError:
        return VerificationError(f"{self._path}:{number}: {matter}")


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _body(path: Path) -> Iterator[bytes]:
    """Give the lines before the end, which must be there and be the last."""
    ended = False
    with path.open("rb") as file:
        for line in file:
            if ended:
                raise VerificationError(f"{path}: goes on after # EOF")
            ended = line == _EOF
            if not ended:
                yield line
    if not ended:
        raise VerificationError(f"{path}: does not end with # EOF")


def _counted(written: FileStats) -> str:
    return f"{written.series} series with {written.samples} samples from {written.first} to {written.last}"
