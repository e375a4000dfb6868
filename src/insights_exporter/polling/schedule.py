"""The schedule: one job a dataset and window, on APScheduler."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from insights_exporter.polling.trigger import AlignedTrigger, offset_of

_DEFAULTS = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}


class Schedule:
    """Runs jobs again and again, never one of them twice at once."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=_DEFAULTS)

    def start(self) -> None:
        """Begin to run the jobs, on the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Run nothing more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def add(self, job: str, run: Callable[[], Awaitable[None]], every: float, after: float = 0.0) -> None:
        """Run `run` in `after` seconds and then every `every` seconds."""
        first = datetime.now(UTC) + timedelta(seconds=after)
        self._scheduler.add_job(run, AlignedTrigger(every, offset_of(job)), id=job, next_run_time=first)

    def remove(self, job: str) -> None:
        """Run the job no more; a run under way goes on, and a stopped schedule has none left."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(job)

    def advance(self, job: str) -> None:
        """Run the job within two minutes, if it is not due sooner."""
        known = self._scheduler.get_job(job)
        soon = datetime.now(UTC) + offset_of(job)
        if known and known.next_run_time > soon:
            known.modify(next_run_time=soon)
