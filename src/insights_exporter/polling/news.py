"""Tells changes, not polls: one log line when something fails, one when it works again."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from insights_exporter.coder.failures import WHOLE_SERVER, RequestFailed


@dataclass(slots=True)
class _Trouble:
    """A failure that goes on: since when, whom it hits, how often."""

    since: float
    hit: set[str] = field(default_factory=set)
    polls: int = 0


class News:
    """What was told of one deployment, so that it is told once.

    A failure of the server as a whole is told for the deployment, others
    for each dataset.
    """

    def __init__(self, deployment: str) -> None:
        self._log = structlog.get_logger("insights_exporter").bind(deployment=deployment)
        self._troubles: dict[tuple[str, str], _Trouble] = {}
        self._told_rows: set[tuple[str, str]] = set()

    def failed(self, job: str, dataset: str, failure: RequestFailed, now: float) -> None:
        """Tell a failure, unless it is known."""
        self._over(job, now, but=failure.reason)
        subject = "" if failure.reason in WHOLE_SERVER else dataset
        key = (failure.reason, subject)
        if key not in self._troubles:
            self._troubles[key] = _Trouble(now)
            self._log.warning(
                "poll failed",
                dataset=dataset,
                reason=failure.reason,
                detail=failure.detail,
                remedy=failure.remedy,
            )
        self._troubles[key].hit.add(job)
        self._troubles[key].polls += 1

    def succeeded(self, job: str, now: float) -> None:
        """Tell that what failed works again, once all that it hit does."""
        self._over(job, now, but="")

    def rows_invalid(self, dataset: str, reasons: Iterable[str]) -> None:
        """Tell what kinds of rows could not be understood, each once."""
        for reason in dict.fromkeys(reasons):
            if (dataset, reason) not in self._told_rows:
                self._told_rows.add((dataset, reason))
                self._log.warning("row left out", dataset=dataset, reason="invalid", detail=reason)

    def _over(self, job: str, now: float, but: str) -> None:
        for (reason, subject), trouble in list(self._troubles.items()):
            if reason == but or job not in trouble.hit:
                continue
            trouble.hit.discard(job)
            if not trouble.hit:
                del self._troubles[reason, subject]
                told = {"dataset": subject} if subject else {}
                seconds = round(now - trouble.since)
                self._log.info(
                    "poll failure over", **told, reason=reason, seconds=seconds, failed_polls=trouble.polls
                )
