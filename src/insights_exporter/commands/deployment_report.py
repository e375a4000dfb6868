"""What one round of polls found out about a deployment, as plain values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from insights_exporter.coder.failures import Reason
from insights_exporter.commands.verdict import GOOD, NOT_USABLE, REFUSED
from insights_exporter.commands.witness import Witness
from insights_exporter.config.settings import Deployment
from insights_exporter.datasets import template_breakdown
from insights_exporter.datasets.echo import FAMILIES as WINDOW_FAMILIES
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

_ROLE_CAUSES = frozenset({"forbidden", "not_permitted"})
_REFUSED_REASONS: frozenset[Reason] = frozenset({"forbidden", "not_permitted", "unauthorized"})
_NO_RESPONSE: frozenset[Reason] = frozenset({"connection", "timeout"})
_TOKEN_SHARE, _TOKEN_SECONDS = 0.25, 14 * 86400.0
"""When a token is near its end: the limits of the alert InsightsTokenExpiresSoon."""

State = Literal["allowed", "refused", "failed", "switched off", "unavailable", "not asked"]


@dataclass(frozen=True, slots=True)
class DatasetResult:
    """How one dataset and window came out.

    `series` is what it will expose, an estimate if `estimated`: of the
    breakdown one template was requested. `requests_per_minute` is what its
    polls will cost Coder.
    """

    dataset: str
    window: str
    state: State
    series: int
    estimated: bool = False
    requests_per_minute: float = 0.0
    reason: str = ""
    detail: str = ""
    remedy: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong, with the datasets that it hits and what to do about it."""

    reason: str
    datasets: tuple[str, ...]
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """What one round of polls found out about a deployment; None where nothing is known.

    Times are Unix seconds, `clock_skew` the seconds by which the server is
    ahead of this machine. `causes` make the status 1, `warnings` do not.
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
    estimated: bool
    requests_per_minute: float
    causes: tuple[Cause, ...]
    warnings: tuple[str, ...]
    datasets: tuple[DatasetResult, ...]


def build_report(
    watch: Watch, configured: Deployment, connection: Witness, user: str | None
) -> DeploymentReport:
    """Return what is known of a deployment that was polled once.

    `configured` is the deployment without the limit of one template that `check` polls with.
    """
    datasets = tuple(_build_result(watch, configured, job) for job in watch.jobs)
    causes = tuple(_find_causes(datasets))
    return DeploymentReport(
        deployment=configured.name,
        url=configured.url,
        status=_exit_status(watch, datasets, causes),
        reachable=is_reachable(watch),
        tls=connection.tls,
        certificate_expires=connection.certificate_expires,
        version=watch.facts.version,
        dialect=watch.coder.dialect,
        clock_skew=watch.clock.skew,
        user=user,
        token_expires=watch.facts.token.expires,
        rate_limit=connection.rate_limit,
        series=sum(each.series for each in datasets),
        estimated=any(each.estimated for each in datasets),
        requests_per_minute=sum(each.requests_per_minute for each in datasets),
        causes=causes,
        warnings=(*_warn_of_token(watch), *_warn_of_no_users(watch)),
        datasets=datasets,
    )


def is_reachable(watch: Watch) -> bool:
    """Return whether a server that was polled once sent any response at all."""
    failures = [job.poll.failure for job in watch.jobs]
    refused = any(failure and failure.reason not in _NO_RESPONSE for failure in failures)
    return refused or any(job.poll.success for job in watch.jobs)


def _exit_status(watch: Watch, datasets: Sequence[DatasetResult], causes: Sequence[Cause]) -> int:
    """Return 2 without a server or any dataset, 1 if something is refused, failed or switched off, else 0."""
    if not is_reachable(watch):
        return NOT_USABLE
    if causes:
        return REFUSED
    return GOOD if any(each.state == "allowed" for each in datasets) else NOT_USABLE


def _build_result(watch: Watch, configured: Deployment, job: Job) -> DatasetResult:
    planned = job.dataset.questions(replace(watch.view(job), deployment=configured))
    subjects = len({question.subject for question in planned})
    estimated = job.dataset.partial and job.poll.success and subjects > 1
    failure, state = job.poll.failure, _state(job)
    return DatasetResult(
        dataset=job.poll.dataset,
        window=job.poll.window,
        state=state,
        series=_estimate_series(watch, job, subjects) if estimated else job.poll.series,
        estimated=estimated,
        requests_per_minute=0.0 if state == "unavailable" else len(planned) * 60 / job.poll.pace.every,
        reason=failure.reason if failure else "",
        detail=failure.detail if failure else "",
        remedy=failure.remedy if failure else "",
        roles=tuple(ROLES.get(job.poll.dataset, _ANY_INSIGHTS))
        if failure and failure.cause in _ROLE_CAUSES
        else (),
    )


def _state(job: Job) -> State:
    reason = job.poll.failure.reason if job.poll.failure else job.requests.unavailable
    if reason is None:
        return "allowed" if job.poll.success else "not asked"
    if reason == "disabled":
        return "switched off"
    if job.requests.unavailable:
        return "unavailable"
    return "refused" if reason in _REFUSED_REASONS else "failed"


def _estimate_series(watch: Watch, job: Job, templates: int) -> int:
    """Return about how many series all templates in use have, by those of the one that was requested."""
    unused = template_breakdown.convert_unused(watch.view(job))
    shared = sum(len(samples.rows) for samples in unused.samples) + len(WINDOW_FAMILIES)
    return shared + (job.poll.series - shared) * templates


def _find_causes(datasets: Iterable[DatasetResult]) -> Iterator[Cause]:
    """Yield each thing that is wrong once: the same reason and remedy are one cause, whatever the path."""
    alike: dict[tuple[str, str], list[DatasetResult]] = {}
    for each in datasets:
        if each.state in {"refused", "failed", "switched off"} and each.reason:
            alike.setdefault((each.reason, each.remedy), []).append(each)
    for (reason, remedy), hit in alike.items():
        names = tuple(dict.fromkeys(each.dataset for each in hit))
        yield Cause(reason, names, hit[0].detail, remedy)


def _warn_of_token(watch: Watch) -> Iterator[str]:
    token = watch.facts.token
    if token.expires is None:
        return
    left = token.expires - watch.clock.now().timestamp()
    share = _TOKEN_SECONDS if token.lifetime is None else _TOKEN_SHARE * token.lifetime
    if left < min(share, _TOKEN_SECONDS):
        yield (
            f"the token expires in {format_duration(left)}; create a new one with `coder tokens create` "
            "and set it before then"
        )


def _warn_of_no_users(watch: Watch) -> Iterator[str]:
    """Warn if Coder reports no active user in any window and on any day: dashboards will show zeros."""
    summaries = [watch.glances.of(job.poll.dataset, job.poll.window) for job in watch.jobs]
    counts = [summary.active_users for summary in summaries if summary.active_users is not None]
    counts += [users for summary in summaries for users in summary.days.values()]
    if counts and not any(counts):
        yield "no user was active in any window; check that `url` is the Coder that your users work with"


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units: `6d 4h`, `3h 12m`, `5m`."""
    minutes = max(int(seconds // 60), 0)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes}m" if hours else f"{minutes}m"
