"""Tells changes, not polls: one log line when something fails, one when it works again."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from insights_exporter.coder.errors import REMEDIES, UNAVAILABLE, WHOLE_SERVER, ApiError, Cause, FailureReason


@dataclass(slots=True)
class _Outage:
    """What fails now: since when, for what reasons, whom it hits, how often."""

    since: float
    reasons: list[FailureReason] = field(default_factory=list)
    causes: set[Cause] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)
    polls: int = 0


class StateChangeLogger:
    """What was told of one deployment, so that it is told once.

    What hits the server as a whole is one trouble, whatever jobs it hits and
    whatever its causes, each of which is logged once; anything else is a
    trouble of its dataset. A trouble is over when all that it hit works: a
    job that begins to fail for other reasons does not work.
    """

    def __init__(self, deployment: str) -> None:
        self._log = structlog.get_logger("insights_exporter").bind(deployment=deployment)
        self._troubles: dict[str, _Outage] = {}
        self._told_rows: set[tuple[str, str]] = set()

    def failed(self, job: str, dataset: str, failure: ApiError, now: float) -> None:
        """Tell a failure, unless it is known."""
        subject = "" if failure.reason in WHOLE_SERVER else dataset
        trouble = self._troubles.setdefault(subject, _Outage(now))
        trouble.jobs.add(job)
        trouble.datasets.add(dataset)
        trouble.polls += 1
        if failure.reason not in trouble.reasons:
            trouble.reasons.append(failure.reason)
        if failure.cause not in trouble.causes:
            trouble.causes.add(failure.cause)
            self._log_new_cause(dataset, failure)

    def _log_new_cause(self, dataset: str, failure: ApiError) -> None:
        """Log why a dataset fails; one that the server does not have is no fault, so it needs no remedy."""
        cause = {"dataset": dataset, "reason": failure.reason}
        if failure.reason in UNAVAILABLE:
            self._log.info("dataset not available", **cause)
        else:
            self._log.warning("poll failed", **cause, detail=failure.detail, remedy=failure.remedy)

    def succeeded(self, job: str, now: float) -> None:
        """Tell that what failed works again, once all that it hit does."""
        for subject, trouble in list(self._troubles.items()):
            if job in trouble.jobs:
                trouble.jobs.discard(job)
                if not trouble.jobs:
                    del self._troubles[subject]
                    self._over(trouble, now)

    def rows_invalid(self, dataset: str, reasons: Iterable[str]) -> None:
        """Tell what kinds of rows could not be understood, each once."""
        for reason in dict.fromkeys(reasons):
            if (dataset, reason) not in self._told_rows:
                self._told_rows.add((dataset, reason))
                self._log.warning(
                    "row left out",
                    dataset=dataset,
                    reason="invalid",
                    detail=reason,
                    remedy=REMEDIES["newer_coder"],
                )

    def _over(self, trouble: _Outage, now: float) -> None:
        self._log.info(
            "poll failure over",
            dataset=",".join(sorted(trouble.datasets)),
            reason=",".join(trouble.reasons),
            seconds=round(now - trouble.since),
            failed_polls=trouble.polls,
        )
