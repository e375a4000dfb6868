"""The journal: the finished days of a deployment, so that a run goes on where the last one ended."""

import json
import shutil
from collections.abc import Iterable
from datetime import date
from hashlib import blake2b
from pathlib import Path

from insights_exporter.backfill.day import DayLines


class Journal:
    """One file a day, each put in place whole; `settings` tell apart runs that write other series."""

    def __init__(self, folder: Path, settings: str, *, resume: bool) -> None:
        digest = blake2b(settings.encode(), digest_size=8).hexdigest()
        self._folder = folder / ".journal" / digest
        if not resume:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)

    def has(self, day: date) -> bool:
        """Tell whether the day is finished."""
        return self._file(day).exists()

    def write(self, day: date, lines: DayLines) -> None:
        """Finish a day."""
        unfinished = self._file(day).with_suffix(".part")
        unfinished.write_text(json.dumps(lines, ensure_ascii=False), encoding="utf-8")
        unfinished.replace(self._file(day))

    def read(self, day: date) -> DayLines:
        """Give the lines of a finished day."""
        told: DayLines = json.loads(self._file(day).read_text(encoding="utf-8"))
        return told

    def done(self, month: str, end: str) -> None:
        """Take note that the month is written up to `end`."""
        self._month(month).write_text(end, encoding="ascii")

    def is_done(self, month: str, end: str) -> bool:
        """Tell whether the month is written up to `end`."""
        file = self._month(month)
        return file.exists() and file.read_text(encoding="ascii") == end

    def forget(self, days: Iterable[date]) -> None:
        """Remove days that are no longer needed."""
        for day in days:
            self._file(day).unlink(missing_ok=True)

    def _file(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.json"

    def _month(self, month: str) -> Path:
        return self._folder / f"{month}.done"
