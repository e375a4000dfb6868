"""Logs changes of state, not polls: one line when something fails, one when it works again."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from insights_exporter.coder.errors import REMEDIES, UNAVAILABLE, WHOLE_SERVER, ApiError, Cause, FailureReason


@dataclass(slots=True)
class _Outage:
    """What is failing: since when, why, which jobs, and how many polls."""

    since: float
    causes: dict[Cause, FailureReason] = field(default_factory=dict)
    jobs: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)
    polls: int = 0


class StateChangeLogger:
    """Logs each state of one deployment once.

    Failures of the whole server are one outage, whichever jobs they hit; any
    other failure is an outage of its dataset. Each cause is logged once. An
    outage is over when all jobs that it hit succeed.
    """

    def __init__(self, deployment: str) -> None:
        self._log = structlog.get_logger("insights_exporter").bind(deployment=deployment)
        self._outages: dict[str, _Outage] = {}
        self._logged_rows: set[tuple[str, str]] = set()

    def log_failure(self, job: str, dataset: str, failure: ApiError, now: float) -> None:
        """Log a failed poll, unless its cause is logged already."""
        subject = "" if failure.reason in WHOLE_SERVER else dataset
        outage = self._outages.setdefault(subject, _Outage(now))
        outage.jobs.add(job)
        outage.datasets.add(dataset)
        outage.polls += 1
        if failure.cause in outage.causes:
            return
        outage.causes[failure.cause] = failure.reason
        cause = {"dataset": dataset, "reason": failure.reason}
        if failure.reason in UNAVAILABLE:
            self._log.info("dataset not available", **cause)
        else:
            self._log.warning("poll failed", **cause, err=failure.detail, remedy=failure.remedy)

    def log_recovery(self, job: str, now: float) -> None:
        """Log a successful poll if it ends an outage."""
        for subject, outage in list(self._outages.items()):
            if outage.jobs == {job}:
                del self._outages[subject]
                self._log.info(
                    "poll recovered",
                    dataset=",".join(sorted(outage.datasets)),
                    reason=",".join(dict.fromkeys(outage.causes.values())),
                    seconds=round(now - outage.since),
                    failed_polls=outage.polls,
                )
            outage.jobs.discard(job)

    def log_invalid_rows(self, dataset: str, reasons: Iterable[str]) -> None:
        """Log why rows were dropped, each reason once."""
        for reason in dict.fromkeys(reasons):
            if (dataset, reason) not in self._logged_rows:
                self._logged_rows.add((dataset, reason))
                self._log.warning(
                    "dropped invalid row",
                    dataset=dataset,
                    reason="invalid",
                    err=reason,
                    remedy=REMEDIES["newer_coder"],
                )
