"""The journal: what of a deployment is finished, so that a run goes on where the last one ended.

Days that were asked are kept until their file is written. Then the file is
noted, and whereto it has been brought.
"""

import fcntl
import json
import shutil
from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec

from insights_exporter.backfill.fetch import DayLines
from insights_exporter.backfill.openmetrics import FileStats

_NAME = ".journal"
_OURS_ALONE = 0o700  # days may name people


class LockedError(Exception):
    """Another run works in the same folder."""


class OutputFile(msgspec.Struct, frozen=True):
    """A written file of a month, and the names of the places to which it has been brought.

    `until` is the last second for which the file was written, whether or not
    there was a sample.
    """

    month: str
    file: str
    series: int
    samples: int
    first: int
    last: int
    until: int
    arrived: tuple[str, ...] = ()

    @classmethod
    def of(cls, written: FileStats, month: str, until: int) -> "OutputFile":
        """Give the piece for a file that has been brought nowhere."""
        counted = (written.series, written.samples, written.first, written.last)
        return cls(month, written.path.name, *counted, until)

    def written(self, folder: Path) -> FileStats:
        """Give what the file holds."""
        return FileStats(folder / self.file, self.series, self.samples, self.first, self.last)


class BackfillState:
    """One file a day and one a piece, each put in place whole.

    `settings` tell apart runs that write other series: of those that do not
    match, the days are forgotten.

    Raises:
        Busy: another run holds it.
    """

    def __init__(self, folder: Path, config: str, *, resume: bool) -> None:
        self.folder = folder
        self.key = blake2b(config.encode(), digest_size=8).hexdigest()
        """Tells this run's series from those of other settings."""
        root = folder / _NAME
        root.mkdir(mode=_OURS_ALONE, parents=True, exist_ok=True)
        root.chmod(_OURS_ALONE)
        self._lock = _locked(root / "lock")
        self._own = root / self.key
        _forget_days(each for each in root.iterdir() if each != self._own)
        if not resume:
            shutil.rmtree(self._own, ignore_errors=True)
        self._own.mkdir(exist_ok=True)

    def close(self) -> None:
        """Let another run have it."""
        self._lock.close()

    def has(self, day: date) -> bool:
        """Tell whether the day is finished."""
        return self._day(day).exists()

    def write(self, day: date, lines: DayLines) -> None:
        """Finish a day."""
        _put(self._day(day), json.dumps(lines, ensure_ascii=False).encode())

    def read(self, day: date) -> DayLines:
        """Give the lines of a finished day."""
        told: DayLines = json.loads(self._day(day).read_bytes())
        return told

    def forget(self, days: Iterable[date]) -> None:
        """Remove days that are no longer needed."""
        for day in days:
            self._day(day).unlink(missing_ok=True)

    def pieces(self, month: str) -> Sequence[OutputFile]:
        """Give the files of a month, in the order of time."""
        files = self._own.glob("*.piece")
        known = [msgspec.json.decode(file.read_bytes(), type=OutputFile) for file in files]
        return sorted((piece for piece in known if piece.month == month), key=lambda piece: piece.until)

    def note(self, piece: OutputFile) -> None:
        """Take note of a written file, and of where it has arrived."""
        _put(self._own / f"{piece.file}.piece", msgspec.json.encode(piece))

    def _day(self, day: date) -> Path:
        return self._own / f"{day.isoformat()}.json"


def _put(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _locked(path: Path) -> BinaryIO:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        folder = path.parent.parent
        raise LockedError(
            f"{folder}: another backfill writes there; wait, or name another --output"
        ) from None
    return file


def _forget_days(folders: Iterable[Path]) -> None:
    for folder in folders:
        for file in (*folder.glob("*.json"), *folder.glob("*.part")):
            file.unlink()
