"""What a round of polls says about the settings: the exit status of `scrape` and `check`."""

from collections.abc import Iterable, Sequence

from insights_exporter.polling.jobs import Job
from insights_exporter.polling.watch import Watch

GOOD, REFUSED, NOT_USABLE = 0, 1, 2


def verdict(watches: Iterable[Watch]) -> int:
    """Give 0 where all came that the servers have, 1 where some did not, 2 where one gave nothing of it.

    What a server does not have never counts, even where that is everything.
    """
    return max((_of(watch.jobs) for watch in watches), default=NOT_USABLE)


def _of(jobs: Sequence[Job]) -> int:
    had = [job.poll for job in jobs if job.requests.unavailable is None]
    failed = any(poll.failure for poll in had)
    came = any(poll.success for poll in had)
    return (REFUSED if came else NOT_USABLE) if failed or not jobs else GOOD
