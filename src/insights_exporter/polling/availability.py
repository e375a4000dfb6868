"""Which datasets a server has: one that it has not is asked once an hour, what hangs on it not at all."""

import math
from collections.abc import Callable, Iterable

from insights_exporter.coder.errors import UNAVAILABLE, ApiError
from insights_exporter.polling.jobs import Job

_RETRY = 3600.0
_SLACK = 60.0
"""Jobs do not begin to the second; one that is a moment early must not take the place of the next."""


class Availability:
    """Takes note of what the jobs of a deployment find out.

    `advance` is called with a job that has to run soon, since what it lacked is there.
    """

    def __init__(self, jobs: Iterable[Job], advance: Callable[[Job], None]) -> None:
        self._jobs = tuple(jobs)
        self._advance = advance

    def failed(self, job: Job, failure: ApiError, started: float) -> None:
        """Take note of a poll that failed; `started` is a time of the loop.

        The next try is the last one that is due within an hour (and a minute),
        whichever window of the dataset it is for.
        """
        if failure.reason not in UNAVAILABLE:
            self.there(job)
            return
        shortest = min(other.poll.pace.every for other in self._alike(job))
        job.requests.lacks(failure.reason, started + max(_RETRY - shortest, 0.0) + _SLACK)
        for other in self._fed(job):
            other.requests.lacks(failure.reason, math.inf)

    def there(self, job: Job) -> None:
        """Take note that the server has the dataset: what waited for that is polled soon."""
        if job.requests.unavailable is None:
            return
        waited = [other for other in (*self._alike(job), *self._fed(job)) if other is not job]
        for one in (job, *waited):
            one.requests.found()
        for one in waited:
            self._advance(one)

    def told_with(self, job: Job) -> frozenset[str]:
        """Name the datasets of which a poll of `job` tells whether the server has them."""
        return frozenset(other.dataset.name for other in (job, *self._fed(job)))

    def _alike(self, job: Job) -> list[Job]:
        return [other for other in self._jobs if other.requests is job.requests]

    def _fed(self, job: Job) -> list[Job]:
        return [other for other in self._jobs if other.dataset.depends_on == job.dataset.name]
