"""Which datasets a server has. One that it lacks is requested hourly; its dependents are not at all."""

import math
from collections.abc import Callable, Iterable

from insights_exporter.coder.errors import UNAVAILABLE, ApiError
from insights_exporter.polling.jobs import Job

_RETRY = 3600.0
_SLACK = 60.0
"""Jobs do not start to the second: one that is a moment early must not be skipped until the next."""


class Availability:
    """Which datasets of a deployment are available, by what its polls find.

    `advance` is called with each job to run soon, since its dataset became available.
    """

    def __init__(self, jobs: Iterable[Job], advance: Callable[[Job], None]) -> None:
        self._jobs = tuple(jobs)
        self._advance = advance

    def record_failure(self, job: Job, failure: ApiError, started: float) -> None:
        """Record a failed poll that started at a time of the event loop.

        If the server lacks the dataset, the next try is the last poll that is
        due within an hour (and a minute), of whichever window.
        """
        if failure.reason not in UNAVAILABLE:
            self.mark_available(job)
            return
        shortest = min(each.status.interval.every for each in self._list_windows(job))
        job.request_stats.mark_unavailable(failure.reason, started + max(_RETRY - shortest, 0.0) + _SLACK)
        for each in self._list_dependents(job):
            each.request_stats.mark_unavailable(failure.reason, math.inf)

    def mark_available(self, job: Job) -> None:
        """Record that the server has the dataset, and poll soon what waited for it."""
        if job.request_stats.unavailable is None:
            return
        waiting = [
            each for each in (*self._list_windows(job), *self._list_dependents(job)) if each is not job
        ]
        for each in (job, *waiting):
            each.request_stats.mark_unavailable(None)
        for each in waiting:
            self._advance(each)

    def list_affected_datasets(self, job: Job) -> frozenset[str]:
        """Return the datasets whose availability a poll of the job can change."""
        return frozenset(each.dataset.name for each in (job, *self._list_dependents(job)))

    def _list_windows(self, job: Job) -> list[Job]:
        return [each for each in self._jobs if each.request_stats is job.request_stats]

    def _list_dependents(self, job: Job) -> list[Job]:
        return [each for each in self._jobs if each.dataset.depends_on == job.dataset.name]
