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
    """Return each thing that is wrong once: the same reason and remedy are one cause, whatever the path."""
    alike: dict[tuple[str, str], list[tuple[str, RequestFailed]]] = {}
    for job in jobs:
        failure = job.poll.failure
        if failure and job.requests.unavailable in {None, "disabled"}:
            alike.setdefault((failure.reason, failure.remedy), []).append((job.poll.dataset, failure))
    return tuple(
        Cause(reason, tuple(dict.fromkeys(dataset for dataset, _ in hit)), hit[0][1].detail, remedy)
        for (reason, remedy), hit in alike.items()
    )
