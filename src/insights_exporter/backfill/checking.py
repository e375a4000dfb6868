"""Reads a written file back and holds it against what was meant."""

from collections.abc import Iterator
from pathlib import Path

from insights_exporter.backfill.writing import Written

_EOF = b"# EOF\n"
_LATEST = 32_503_680_000
"""The first second of the year 3000: what is later are no seconds."""


class BadFile(Exception):
    """A file is not what was meant; the message names it, the place and the matter."""


def check_file(meant: Written) -> None:
    """Read the file as a stream: every series once and ascending, all samples there, nothing after the end.

    Raises:
        BadFile: it is not so.
    """
    series = samples = 0
    head, last = b"", 0
    seen: set[bytes] = set()
    for number, line in enumerate(_body(meant.path), 1):
        if line.startswith(b"#"):
            continue
        start, _, text = line.rpartition(b" ")
        name = start.rpartition(b" ")[0]
        second = _second(meant.path, number, text)
        if name != head:
            series += 1
            head = name
            if name in seen:
                raise BadFile(f"{meant.path}:{number}: a series goes on after another one")
            seen.add(name)
        elif second <= last:
            raise BadFile(f"{meant.path}:{number}: time does not go on within a series")
        last = second
        samples += 1
    if (series, samples) != (meant.series, meant.samples):
        found = f"{series} series with {samples} samples"
        raise BadFile(f"{meant.path}: has {found}, meant were {meant.series} with {meant.samples}")


def _body(path: Path) -> Iterator[bytes]:
    """Give the lines before the end, which must be there and be the last."""
    ended = False
    with path.open("rb") as file:
        for line in file:
            if ended:
                raise BadFile(f"{path}: goes on after # EOF")
            ended = line == _EOF
            if not ended:
                yield line
    if not ended:
        raise BadFile(f"{path}: does not end with # EOF")


def _second(path: Path, number: int, text: bytes) -> int:
    digits = text.rstrip(b"\n")
    if not digits.isdigit() or int(digits) >= _LATEST:
        raise BadFile(f"{path}:{number}: {digits[:30]!r} is no time in seconds")
    return int(digits)
