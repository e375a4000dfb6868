"""The schedule: one job per dataset and window, aligned to Coder's rollup."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from insights_exporter.config.intervals import ROLLUP_INTERVAL

_EPOCH = datetime.fromtimestamp(0, UTC)
_CLOCK_CHECK = 60.0
_SHORTEST_STEP = 10.0
"""Seconds by which the system's clock has to be set back for the next runs to follow it."""


def compute_offset(job: str) -> timedelta:
    """Return how long after a rollup of Coder `job` runs: 60 to 120 seconds, always the same."""
    digest = hashlib.blake2b(job.encode(), digest_size=4).digest()
    return timedelta(milliseconds=60_000 + int.from_bytes(digest) % 60_001)


class AlignedTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no type hints
    """Fires `offset` after each multiple of `every` seconds of Unix time.

    Intervals shorter than Coder's rollup just repeat.
    """

    def __init__(self, every: float, offset: timedelta) -> None:
        self._every = timedelta(seconds=every)
        self._repeats = every < ROLLUP_INTERVAL
        self._offset = offset

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Return the next time after `now`."""
        if self._repeats:
            return max((previous or now) + self._every, now)
        return _EPOCH + self._offset + ((now - _EPOCH - self._offset) // self._every + 1) * self._every


class Scheduler:
    """Runs jobs repeatedly, each at most once at a time."""

    def __init__(self) -> None:
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._clock_check: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start running the jobs, on the running event loop."""
        self._scheduler.start()
        self._follow_clock(_measure_clock_lead())

    def stop(self) -> None:
        """Stop running jobs."""
        if self._clock_check:
            self._clock_check.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def add(self, job: str, run: Callable[[], Awaitable[None]], every: float, after: float = 0.0) -> None:
        """Run `run` in `after` seconds and then every `every` seconds."""
        first = datetime.now(UTC) + timedelta(seconds=after)
        self._scheduler.add_job(run, AlignedTrigger(every, compute_offset(job)), id=job, next_run_time=first)

    def remove(self, job: str) -> None:
        """Remove a job; a run in progress continues. A stopped scheduler has no jobs left."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(job)

    def advance(self, job: str, after: float = 0.0) -> None:
        """Run the job within two minutes after `after` seconds, if it is not due sooner."""
        known = self._scheduler.get_job(job)
        soon = datetime.now(UTC) + timedelta(seconds=after) + compute_offset(job)
        if known and known.next_run_time > soon:
            known.modify(next_run_time=soon)

    def _follow_clock(self, lead: float) -> None:
        """Move the next runs along if the system's clock was set back, or they wait until it has caught up.

        `lead` is that of the last check. A clock that was set forward needs nothing: missed runs start.
        """
        now = _measure_clock_lead()
        if lead - now > _SHORTEST_STEP:
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=job.next_run_time - timedelta(seconds=lead - now))
        self._clock_check = asyncio.get_running_loop().call_later(_CLOCK_CHECK, self._follow_clock, now)


def _measure_clock_lead() -> float:
    """Return the seconds by which the system's clock is ahead of the event loop's."""
    return time.time() - asyncio.get_running_loop().time()
