"""What a round of polls says about the settings: the exit status of `scrape` and `check`."""

from collections.abc import Iterable

from insights_exporter.polling.watch import Watch

GOOD, REFUSED, NOT_USABLE = 0, 1, 2


def verdict(watches: Iterable[Watch]) -> int:
    """Give 0 where all came that the servers have, 1 where some did not, 2 where one gave nothing."""
    return max((_of(watch) for watch in watches), default=NOT_USABLE)


def _of(watch: Watch) -> int:
    polls = [job.poll for job in watch.jobs]
    if not any(poll.success for poll in polls):
        return NOT_USABLE
    refused = any(job.poll.failure and job.requests.unavailable is None for job in watch.jobs)
    return REFUSED if refused else GOOD
