"""OpenMetrics files of a month: written and verified."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path

from insights_exporter.exposition.text import escape_label

Times = Sequence[str]
"""Unix seconds of a day's samples, as text."""


@dataclass(frozen=True, slots=True)
class FileStats:
    """Number of series and samples in a file, and its BLAKE2b digest."""

    path: Path
    series: int
    samples: int
    digest: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a file: sample lines by sample name, and the times at which they hold."""

    lines: Mapping[str, str]
    times: Times


class VerificationError(Exception):
    """A file does not hold what was written; the message has the remedy."""


@contextmanager
def name_file(path: Path) -> Iterator[None]:
    """Add `path` to errors of the system, which have no file name if a write fails."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


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
    digest = blake2b()
    with name_file(path), unfinished.open("wb") as file:

        def write(text: str) -> None:
            content = text.encode()
            digest.update(content)
            file.write(content)

        for name, documentation in names.items():
            values_by_head = _group_by_series(name, days)
            if values_by_head:
                write(f"# HELP {name} {escape_label(documentation)}\n# TYPE {name} gauge\n")
            for head, values in values_by_head.items():
                await asyncio.sleep(0)
                labeled = head.replace("{", "{" + added, 1)
                for value, times in values:
                    write("".join(f"{labeled} {value} {second}\n" for second in times))
                    samples += len(times)
                series += 1
        write("# EOF\n")
    unfinished.replace(path)
    return FileStats(path, series, samples, digest.hexdigest())


def _group_by_series(name: str, days: Sequence[Day]) -> Mapping[str, Sequence[tuple[str, Times]]]:
    """Return the values of the days with their times, by series."""
    series: dict[str, list[tuple[str, Times]]] = {}
    for day in days:
        for line in day.lines.get(name, "").split("\n")[:-1]:
            head, _, value = line.rpartition(" ")
            series.setdefault(head, []).append((value, day.times))
    return series


async def check_file(expected: FileStats) -> None:
    """Read a file back, and compare it with what was written.

    Raises:
        VerificationError: The file differs or was removed.
    """
    if not expected.path.exists():
        raise VerificationError(
            f"{expected.path}: the file of an earlier run was removed; --no-resume writes all files again"
        )
    with expected.path.open("rb") as file:
        found = await asyncio.to_thread(file_digest, file, "blake2b")
    if found.hexdigest() != expected.digest:
        raise VerificationError(
            f"{expected.path}: was changed after it was written; --no-resume writes all files again"
        )
