"""What `check` finds out about a deployment: plain values, from what a round of polls left behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from insights_exporter.coder.failures import Reason
from insights_exporter.commands.verdict import verdict
from insights_exporter.commands.witness import Witness
from insights_exporter.polling.jobs import Job
from insights_exporter.polling.watch import Watch

_ANY_INSIGHTS = ("Auditor", "Template Admin", "Owner")
ROLES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "daus": ("Auditor", "Owner"),
        "templates": _ANY_INSIGHTS,
        "template-breakdown": _ANY_INSIGHTS,
        "periods": _ANY_INSIGHTS,
        "user-activity": _ANY_INSIGHTS,
        "user-latency": _ANY_INSIGHTS,
        "user-status-counts": ("Auditor", "User Admin", "Template Admin", "Owner"),
    }
)
"""The site roles that may read a dataset, the one with the least rights first."""

_REFUSALS: frozenset[Reason] = frozenset({"unauthorized", "forbidden", "not_permitted"})
_NO_ANSWER: frozenset[Reason] = frozenset({"connection", "timeout"})


@dataclass(frozen=True, slots=True)
class DatasetFinding:
    """How one dataset and window came: `state` is allowed, refused, failed, unavailable or not asked."""

    dataset: str
    window: str
    state: str
    series: int
    reason: str = ""
    detail: str = ""
    remedy: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one deployment; what could not be learned is None.

    Times are Unix seconds, `clock_skew` the seconds that the server is
    ahead. `requests_per_minute` is what the settings will cost Coder.
    """

    deployment: str
    url: str
    status: int
    reachable: bool
    tls: str | None
    certificate_expires: float | None
    version: str | None
    dialect: str | None
    clock_skew: float | None
    user: str | None
    token_expires: float | None
    rate_limit: float | None
    series: int
    requests_per_minute: float
    datasets: tuple[DatasetFinding, ...]


def finding(watch: Watch, witness: Witness, user: str | None) -> Finding:
    """Gather what is known of a deployment that was polled once."""
    datasets = tuple(_of_job(job) for job in watch.jobs)
    return Finding(
        deployment=watch.deployment.name,
        url=watch.deployment.url,
        status=verdict([watch]),
        reachable=reachable(watch),
        tls=witness.tls,
        certificate_expires=witness.certificate_expires,
        version=watch.facts.version,
        dialect=watch.coder.dialect,
        clock_skew=watch.clock.skew,
        user=user,
        token_expires=watch.facts.token.expires,
        rate_limit=witness.rate_limit,
        series=sum(each.series for each in datasets),
        requests_per_minute=sum(_per_minute(job, watch.jobs) for job in watch.jobs),
        datasets=datasets,
    )


def reachable(watch: Watch) -> bool:
    """Tell whether the server of a deployment that was polled once said anything at all."""
    failures = [job.poll.failure for job in watch.jobs]
    answered = any(failure and failure.reason not in _NO_ANSWER for failure in failures)
    return answered or any(job.poll.success for job in watch.jobs)


def _of_job(job: Job) -> DatasetFinding:
    failure = job.poll.failure
    if failure is None:
        state = "allowed" if job.poll.success else "unavailable" if job.requests.unavailable else "not asked"
        return DatasetFinding(job.poll.dataset, job.poll.window, state, job.poll.series)
    refused = failure.reason in _REFUSALS
    state = "unavailable" if job.requests.unavailable else "refused" if refused else "failed"
    return DatasetFinding(
        dataset=job.poll.dataset,
        window=job.poll.window,
        state=state,
        series=job.poll.series,
        reason=failure.reason,
        detail=failure.detail,
        remedy=failure.remedy,
        roles=tuple(ROLES.get(job.poll.dataset, _ANY_INSIGHTS))
        if refused and failure.reason != "unauthorized"
        else (),
    )


def _per_minute(job: Job, jobs: Sequence[Job]) -> float:
    """Spread the requests that a dataset took evenly over its windows; one that failed takes one."""
    alike = [other for other in jobs if other.requests is job.requests]
    requests = job.requests.requests if all(other.poll.success for other in alike) else len(alike)
    return requests / len(alike) * 60 / job.poll.pace.every
