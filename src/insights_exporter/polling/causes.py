"""What is wrong with a deployment, each cause once, however many polls it hits."""

from collections.abc import Iterable
from dataclasses import dataclass

from insights_exporter.coder.failures import RequestFailed
from insights_exporter.polling.jobs import Job


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong, with the datasets that it hits and what to do about it."""

    reason: str
    datasets: tuple[str, ...]
    detail: str
    remedy: str


def find_causes(jobs: Iterable[Job]) -> tuple[Cause, ...]:
    """Return each thing that is wrong once: what has the same remedy is one cause, named by its first reason.

    A role that is missing is `forbidden` on some paths and `not_permitted` on others.
    """
    alike: dict[str, list[tuple[str, RequestFailed]]] = {}
    for job in jobs:
        failure = job.poll.failure
        if failure and job.requests.unavailable in {None, "disabled"}:
            alike.setdefault(failure.remedy, []).append((job.poll.dataset, failure))
    return tuple(
        Cause(hit[0][1].reason, tuple(dict.fromkeys(dataset for dataset, _ in hit)), hit[0][1].detail, remedy)
        for remedy, hit in alike.items()
    )
