"""The report of a deployment that was polled once, as plain values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from insights_exporter.coder.errors import REMEDIES, FailureReason
from insights_exporter.coder.http import ConnectionInfo
from insights_exporter.commands.errors import EXIT_ERROR, EXIT_OK, EXIT_PARTIAL
from insights_exporter.config.models import Deployment
from insights_exporter.datasets.base import Dataset
from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.polling.jobs import Job
from insights_exporter.polling.problems import Problem, find_problems, warn_of_token

_ROLE_CAUSES = frozenset({"forbidden", "not_permitted"})
_DENIED_REASONS: frozenset[FailureReason] = frozenset({"forbidden", "not_permitted", "unauthorized"})
_NO_RESPONSE: frozenset[FailureReason] = frozenset({"connection", "timeout"})

DatasetState = Literal[
    "allowed", "denied", "failed", "switched off", "unavailable", "not polled", "not enabled"
]


@dataclass(frozen=True, slots=True)
class DatasetResult:
    """The result of one dataset and window.

    `series` is what it will expose, an estimate if `estimated`: only one
    template of the breakdown was requested. `requests_per_minute` is what its
    polls will cost Coder. `roles` and `needs_license` are what is missing or,
    for a dataset that the config does not enable, what it needs.
    """

    dataset: str
    window: str
    state: DatasetState
    series: int = 0
    estimated: bool = False
    requests_per_minute: float = 0.0
    reason: str = ""
    detail: str = ""
    remedy: str = ""
    roles: tuple[str, ...] = ()
    needs_license: bool = False


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """The result of polling a deployment once; None is unknown.

    Times are Unix seconds, `clock_skew` the seconds by which the server is
    ahead of this machine. `series` and `requests_per_minute` are unknown if no
    dataset could be read. `problems` make the status 1, `warnings` do not.
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
    series: int | None
    estimated: bool
    requests_per_minute: float | None
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    datasets: tuple[DatasetResult, ...]


async def build_report(
    poller: DeploymentPoller,
    configured: Deployment,
    connection: ConnectionInfo,
    registry: Mapping[str, Dataset],
) -> DeploymentReport:
    """Return the report of a deployment that was polled once.

    `configured` is the deployment without the limit of one template that `check` polls with.
    """
    polled = [_build_result(poller, configured, job) for job in poller.jobs]
    names = {each.dataset for each in polled}
    not_enabled = [
        DatasetResult(name, "", "not enabled", roles=each.roles, needs_license=each.needs_license)
        for name, each in registry.items()
        if name not in names
    ]
    datasets = (*polled, *not_enabled)
    problems = find_problems(poller.jobs)
    failures = [job.status.failure for job in poller.jobs]
    has_responded = any(failure and failure.reason not in _NO_RESPONSE for failure in failures)
    reachable = has_responded or any(job.status.success for job in poller.jobs)
    has_data = any(each.state == "allowed" for each in datasets)
    return DeploymentReport(
        deployment=configured.name,
        url=configured.url,
        status=EXIT_PARTIAL if reachable and problems else EXIT_OK if has_data else EXIT_ERROR,
        reachable=reachable,
        tls=connection.tls,
        certificate_expires=connection.certificate_expires,
        version=poller.server_info.version,
        dialect=poller.coder.dialect,
        clock_skew=poller.clock.skew,
        user=await poller.server_info.fetch_user() if reachable else None,
        token_expires=poller.server_info.token.expires,
        rate_limit=connection.rate_limit,
        series=sum(each.series for each in datasets) if has_data else None,
        estimated=any(each.estimated for each in datasets),
        requests_per_minute=sum(each.requests_per_minute for each in datasets) if has_data else None,
        problems=problems,
        warnings=tuple(_find_warnings(poller)),
        datasets=datasets,
    )


def _build_result(poller: DeploymentPoller, configured: Deployment, job: Job) -> DatasetResult:
    planned = job.dataset.requests(replace(poller.build_context(job), deployment=configured))
    subjects = len({request.subject for request in planned})
    estimated = bool(job.dataset.depends_on) and job.status.success and subjects > 1
    failure, state, series = job.status.failure, _find_state(job), job.status.series
    if estimated:  # only one template was requested
        unrequested = job.dataset.unrequested(poller.build_context(job), ())
        shared = sum(len(samples.rows) for samples in unrequested.samples)
        series = shared + (series - shared) * subjects
    return DatasetResult(
        dataset=job.status.dataset,
        window=job.status.window,
        state=state,
        series=series,
        estimated=estimated,
        requests_per_minute=0.0 if state == "unavailable" else len(planned) * 60 / job.status.interval.every,
        reason=failure.reason if failure else "",
        detail=failure.detail if failure else "",
        remedy=failure.remedy if failure else "",
        roles=job.dataset.roles if failure and failure.cause in _ROLE_CAUSES else (),
        needs_license=job.request_stats.unavailable == "not_licensed",
    )


def _find_state(job: Job) -> DatasetState:
    reason = job.status.failure.reason if job.status.failure else job.request_stats.unavailable
    if reason is None:
        return "allowed" if job.status.success else "not polled"
    if reason == "disabled":
        return "switched off"
    if job.request_stats.unavailable:
        return "unavailable"
    return "denied" if reason in _DENIED_REASONS else "failed"


def _find_warnings(poller: DeploymentPoller) -> Iterator[str]:
    """Yield what does not make the status 1, but will be missed: a token, users, rows."""
    if warning := warn_of_token(poller.server_info.token, poller.clock.now().timestamp()):
        yield warning
    summaries = [poller.get_summary(job.status.dataset, job.status.window) for job in poller.jobs]
    counts = [summary.active_users for summary in summaries if summary.active_users is not None]
    counts += [users for summary in summaries for users in summary.days.values()]
    if counts and not any(counts):
        yield "no user was active in any window; check that `url` is the Coder that your users work with"
    rows = {job.dataset.name: job.request_stats.rows_invalid for job in poller.jobs}
    if dropped := [f"{name} ({count})" for name, count in rows.items() if count]:
        yield f"rows are invalid and dropped: {', '.join(dropped)}; {REMEDIES['newer_coder']}"
