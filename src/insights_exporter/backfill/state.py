"""The state of a run on disk: finished days and files, with which the next run continues."""

import fcntl
import shutil
from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec

from insights_exporter.backfill.fetch import DaySamples
from insights_exporter.backfill.openmetrics import FileStats, name_file

_NAME = ".journal"
_OWNER_ONLY = 0o700  # days may name users


class LockedError(Exception):
    """Another run uses the same folder."""


class OutputFile(msgspec.Struct, frozen=True):
    """A written file of a month, and the names of the sinks it was delivered to.

    `until` is the last second for which the file was written, whether or not
    there was a sample.
    """

    month: str
    file: str
    series: int
    samples: int
    digest: str
    until: int
    delivered: tuple[str, ...] = ()

    def build_stats(self, folder: Path) -> FileStats:
        """Return the content of the file, which is in `folder`."""
        return FileStats(folder / self.file, self.series, self.samples, self.digest)


class BackfillState:
    """One file per day until it is in an output file, and per output file, each written atomically.

    `fingerprint` identifies runs that write the same series; days of other
    runs are removed.

    Raises:
        LockedError: Another run uses the folder.
    """

    def __init__(self, folder: Path, fingerprint: str, *, resume: bool) -> None:
        self.folder = folder
        root = folder / _NAME
        root.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        root.chmod(_OWNER_ONLY)
        self._lock = _lock(root / "lock")
        self._own = root / blake2b(fingerprint.encode(), digest_size=8).hexdigest()
        for other in root.iterdir():
            if other != self._own:
                for file in (*other.glob("*.json"), *other.glob("*.part")):
                    file.unlink()
        if not resume:
            shutil.rmtree(self._own, ignore_errors=True)
        self._own.mkdir(exist_ok=True)

    def close(self) -> None:
        """Release the folder for another run."""
        self._lock.close()

    def has_day(self, day: date) -> bool:
        """Return whether the day is finished."""
        return self._build_day_path(day).exists()

    def write_day(self, day: date, samples: DaySamples) -> None:
        """Store a finished day."""
        _replace(self._build_day_path(day), msgspec.json.encode(samples))

    def read_day(self, day: date) -> DaySamples:
        """Return the samples of a finished day."""
        return msgspec.json.decode(self._build_day_path(day).read_bytes(), type=DaySamples)

    def remove_days(self, days: Iterable[date]) -> None:
        """Remove days that are no longer needed."""
        for day in days:
            self._build_day_path(day).unlink(missing_ok=True)

    def list_files(self, month: str) -> Sequence[OutputFile]:
        """Return the files of a month, in the order of time."""
        paths = self._own.glob("*.piece")
        records = [msgspec.json.decode(path.read_bytes(), type=OutputFile) for path in paths]
        return sorted((each for each in records if each.month == month), key=lambda each: each.until)

    def record(self, file: OutputFile) -> None:
        """Record a written file, and where it was delivered."""
        _replace(self._own / f"{file.file}.piece", msgspec.json.encode(file))

    def _build_day_path(self, day: date) -> Path:
        return self._own / f"{day.isoformat()}.json"


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(".part")
    with name_file(path):
        unfinished.write_bytes(content)
        unfinished.replace(path)


def _lock(path: Path) -> BinaryIO:
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
