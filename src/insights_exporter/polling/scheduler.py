"""The schedule: one job per dataset and window, aligned to Coder's rollup."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from insights_exporter.config.intervals import ROLLUP_INTERVAL

Run = Callable[[], Awaitable[None]]

_EPOCH = datetime.fromtimestamp(0, UTC)
_FIRST_OFFSET = 60_000
_OFFSETS = 60_001
_CLOCK_CHECK = 60.0
_SHORTEST_STEP = 10.0
"""Seconds by which the system's clock has to be set for the next runs to follow it."""


def offset_of(job: str) -> timedelta:
    """Return how long after a rollup of Coder `job` runs: 60 to 120 seconds, always the same."""
    digest = hashlib.blake2b(job.encode(), digest_size=4).digest()
    return timedelta(milliseconds=_FIRST_OFFSET + int.from_bytes(digest) % _OFFSETS)


def next_run(every: float, offset: timedelta, previous: datetime, now: datetime) -> datetime:
    """Return the first time after `now` that is `offset` after a multiple of `every` seconds of Unix time.

    Intervals shorter than Coder's rollup just repeat. Missed runs are skipped.
    """
    interval = timedelta(seconds=every)
    if every < ROLLUP_INTERVAL:
        return (previous if previous + interval > now else now) + interval
    return _EPOCH + offset + ((now - _EPOCH - offset) // interval + 1) * interval


@dataclass(slots=True)
class _Job:
    run: Run
    every: float
    offset: timedelta
    due: datetime
    timer: asyncio.TimerHandle
    current: asyncio.Future[None] | None = None


class Scheduler:
    """Runs jobs repeatedly, each at most once at a time."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}
        self._running: set[asyncio.Future[None]] = set()
        self._clock_check: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Follow the system's clock, on the running event loop."""
        self._follow_clock(_clock_lead())

    def stop(self) -> None:
        """Remove all jobs and cancel their runs."""
        if self._clock_check:
            self._clock_check.cancel()
        for job in tuple(self._jobs):
            self.remove(job)
        for run in self._running:
            run.cancel()

    def add(self, job: str, run: Run, every: float, after: float = 0.0) -> None:
        """Run `run` in `after` seconds and then every `every` seconds; replace a job of the same name.

        Nothing is run without `start`, as in commands that poll once.
        """
        if self._clock_check is None:
            return
        self.remove(job)
        due = datetime.now(UTC) + timedelta(seconds=after)
        timer = asyncio.get_running_loop().call_later(after, self._fire, job)
        self._jobs[job] = _Job(run, every, offset_of(job), due, timer)

    def remove(self, job: str) -> None:
        """Remove a job, if there is one of this name; a run in progress continues."""
        if known := self._jobs.pop(job, None):
            known.timer.cancel()

    def advance(self, job: str, after: float = 0.0) -> None:
        """Run the job within two minutes after `after` seconds, if it is not due sooner."""
        known = self._jobs.get(job)
        soon = datetime.now(UTC) + timedelta(seconds=after) + offset_of(job)
        if known and known.due > soon:
            self._set_due(job, soon)

    def _fire(self, name: str) -> None:
        """Start the job unless its last run is in progress; wait on if a timer or the clock is ahead."""
        job, now = self._jobs[name], datetime.now(UTC)
        if now < job.due:
            self._set_due(name, job.due)
            return
        if job.current is None or job.current.done():
            job.current = asyncio.ensure_future(job.run())
            self._running.add(job.current)
            job.current.add_done_callback(self._running.discard)
        self._set_due(name, next_run(job.every, job.offset, job.due, now))

    def _set_due(self, name: str, due: datetime) -> None:
        job = self._jobs[name]
        job.due = due
        job.timer.cancel()
        seconds = max((due - datetime.now(UTC)).total_seconds(), 0.0)
        job.timer = asyncio.get_running_loop().call_later(seconds, self._fire, name)

    def _follow_clock(self, lead: float) -> None:
        """Adapt the timers if the system's clock was set; `lead` is that of the last check.

        If it was set back, the next runs move along, or they would wait until
        it has caught up. If it was set forward, missed runs start.
        """
        now = _clock_lead()
        if abs(lead - now) > _SHORTEST_STEP:
            step = timedelta(seconds=max(lead - now, 0.0))
            for name, job in self._jobs.items():
                self._set_due(name, job.due - step)
        self._clock_check = asyncio.get_running_loop().call_later(_CLOCK_CHECK, self._follow_clock, now)


def _clock_lead() -> float:
    """Return the seconds by which the system's clock is ahead of the event loop's."""
    return time.time() - asyncio.get_running_loop().time()
