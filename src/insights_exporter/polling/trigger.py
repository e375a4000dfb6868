"""When a job runs: at multiples of its interval on the clock, a little later each."""

import hashlib
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

from insights_exporter.config.pace import ROLL_UP_SECONDS

_EPOCH = datetime.fromtimestamp(0, UTC)
_FIRST_OFFSET = 60_000
_OFFSETS = 60_001


def offset_of(job: str) -> timedelta:
    """Give how long after a roll-up of Coder `job` runs: 60 to 120 seconds, always the same."""
    digest = hashlib.blake2b(job.encode(), digest_size=4).digest()
    return timedelta(milliseconds=_FIRST_OFFSET + int.from_bytes(digest) % _OFFSETS)


class AlignedTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no type hints
    """Fires at each multiple of `every` seconds of Unix time, by `offset` later.

    Intervals shorter than Coder's roll-up just repeat.
    """

    def __init__(self, every: float, offset: timedelta) -> None:
        self._every = timedelta(seconds=every)
        self._repeats = every < ROLL_UP_SECONDS
        self._offset = offset

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Give the next time after `now`."""
        if self._repeats:
            return max((previous or now) + self._every, now)
        return _EPOCH + self._offset + ((now - _EPOCH - self._offset) // self._every + 1) * self._every
