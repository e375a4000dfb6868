"""The jobs of a deployment, one per dataset and window, and which datasets its server has."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from insights_exporter.coder.errors import UNAVAILABLE, ApiError
from insights_exporter.config.intervals import choose_poll_interval
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import select_enabled
from insights_exporter.polling.status import PollStatus, RequestStats

_RETRY = 3600.0
_SLACK = 60.0
"""Jobs do not start to the second: one that is a moment early must not be skipped until the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One dataset and window that is polled periodically, and its state."""

    dataset: Dataset
    window: Window | None
    status: PollStatus
    request_stats: RequestStats

    @property
    def name(self) -> str:
        """The name of the job among those of its deployment."""
        return f"{self.status.dataset}/{self.status.window}"

    @property
    def covers_single_day(self) -> bool:
        """Whether its window is one calendar day, so that all its data is of another day after midnight."""
        return self.window is not None and self.window.days == 1

    @property
    def ends_at_midnight(self) -> bool:
        """Whether some of its data end at midnight."""
        return self.covers_single_day or any(family.expires_at_midnight for family in self.dataset.families)

    @property
    def is_tried(self) -> bool:
        """Whether it was polled once, or cannot be."""
        return self.status.finished or self.request_stats.unavailable is not None


def build_jobs(deployment: Deployment, datasets: Mapping[str, Dataset]) -> Iterator[Job]:
    """Yield the jobs of the enabled datasets, in the order of `datasets`."""
    for dataset in select_enabled(deployment, datasets):
        request_stats, options = RequestStats(dataset.name), dataset.get_options(deployment)
        for window in dataset.windows(deployment):
            interval = choose_poll_interval(deployment, options, window, dataset.default_interval)
            status = PollStatus(dataset.name, window.name if window else "", interval)
            yield Job(dataset, window, status, request_stats)


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
