"""When a job runs: at multiples of its interval on the clock, a little later each."""

import hashlib
import math
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

ROLLUP = 300.0
"""Seconds between two roll-ups of Coder, which fall on :00, :05, :10, ..."""


def offset_for(job: str) -> float:
    """Give the seconds after a roll-up at which `job` runs: 60 to 120, always the same."""
    digest = hashlib.blake2b(job.encode(), digest_size=4).digest()
    return 60 + 60 * int.from_bytes(digest) / 2**32


class AlignedTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no type hints
    """Fires `offset` seconds after each multiple of `every` seconds of Unix time.

    Intervals shorter than Coder's roll-up just repeat.
    """

    def __init__(self, every: float, offset: float) -> None:
        self._every = every
        self._offset = offset if every >= ROLLUP else 0.0

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Give the next time after `previous`, or after `now` where that is later."""
        if self._every < ROLLUP:
            return (previous or now) + timedelta(seconds=self._every)
        after = now.timestamp() - self._offset
        multiple = math.floor(after / self._every) + 1
        return datetime.fromtimestamp(multiple * self._every + self._offset, UTC)
