"""The state of each deployment that the status page shows, and its health."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from insights_exporter.datasets.summary import SOURCES, PollSummary
from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.polling.jobs import Job
from insights_exporter.polling.problems import (
    Problem,
    Urgency,
    describe_expiry,
    find_problems,
    rate_token,
    warn_of_token,
)
from insights_exporter.polling.status import PollStatus
from insights_exporter.web.status.format import describe_window

State = Literal["good", "failing", "waiting", "off", "unavailable"]
"""The state of a poll; `off`: usage statistics are switched off in Coder."""

Level = Literal["good", "partly", "bad", "off", "waiting"]

LEVELS: Mapping[Level, str] = {
    "bad": "failing",
    "partly": "partly failing",
    "off": "with statistics off",
    "waiting": "starting",
    "good": "healthy",
}
"""The levels, worst first, with what the overview calls deployments of that level."""

URGENCY_CLASSES: Mapping[Urgency, str] = {"none": "", "info": "partly", "warning": "bad"}
"""CSS class of a token by the urgency of replacing it."""

_DESCRIPTIONS: Mapping[State, str] = {
    "good": "good",
    "failing": "failing",
    "waiting": "not polled yet",
    "off": "switched off in Coder",
    "unavailable": "not on this server",
}

STATISTICS_OFF = "Usage statistics are switched off in Coder."

HEADINGS: Mapping[str, str] = {
    "unauthorized": "Coder refuses the token",
    "forbidden": "The token may not read this data",
    "not_permitted": "The token may not see this data",
    "not_found": "There is no Coder API at this address",
    "disabled": STATISTICS_OFF.rstrip("."),
    "unsupported": "This Coder does not have this data",
    "not_licensed": "This Coder has no license for this data",
    "rejected": "Coder rejects the parameters",
    "refused_by_proxy": "A proxy refuses the requests",
    "rate_limited": "Requests are rate limited",
    "server_error": "Coder responds with an error",
    "timeout": "Coder does not respond in time",
    "connection": "Coder cannot be reached",
    "too_large": "A response is too large",
    "redirect": "Coder redirects to another address",
    "invalid": "A response cannot be decoded",
}
"""Heading of a problem by failure reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The polling of one dataset and window, and why it fails.

    A dependent dataset is polled only after the one that it depends on.
    """

    status: PollStatus
    state: State
    reason: str
    is_dependent: bool

    @property
    def description(self) -> str:
        """The state in words."""
        return "needs a Premium license" if self.reason == "not_licensed" else _DESCRIPTIONS[self.state]


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a deployment: `since` is in Unix seconds, `sentence` explains it."""

    level: Level
    word: str
    since: float | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentState:
    """One deployment at one moment; `now` is the server's time in the time zone of the deployment."""

    name: str
    url: str
    version: str | None
    token_expires: float | None
    expiry_urgency: Urgency
    expiry_warning: str
    problems: tuple[Problem, ...]
    timezone: str
    now: datetime
    windows: Mapping[str, str]
    """Descriptions of the windows by name."""
    breakdown_windows: tuple[str, ...]
    parameter_windows: tuple[str, ...]
    polls: tuple[Poll, ...]
    summaries: Mapping[tuple[str, str], PollSummary]
    """Summaries by dataset and window."""
    utc_days: Mapping[int, float]
    """Users by UTC day, if Coder keeps little history for days of the deployment's time zone."""

    @property
    def health(self) -> Health:
        """The health of the deployment."""
        return assess_health(self.polls)

    @property
    def facts(self) -> str:
        """The version of Coder, and the time zone if it is not UTC."""
        version = f"Coder {self.version.partition('+')[0]}" if self.version else ""
        zone = "" if self.timezone == "UTC" else f"days of {self.timezone}"
        return ", ".join(filter(None, (version, zone)))

    @property
    def today(self) -> int:
        """The ordinal of the current day in the time zone of the deployment."""
        return self.now.toordinal()

    @property
    def series(self) -> int:
        """The number of series of all datasets."""
        return sum(poll.status.series for poll in self.polls)

    @property
    def oldest_success(self) -> float | None:
        """The time of the oldest data shown, None if there is none."""
        successes = [poll.status.last_success for poll in self.polls if poll.status.last_success]
        return min(successes, default=None)

    @property
    def token_class(self) -> str:
        """The CSS class of the token, empty if it need not be replaced soon."""
        return URGENCY_CLASSES[self.expiry_urgency]

    @property
    def token_expiry(self) -> str:
        """The remaining lifetime of the token in words, empty if unknown."""
        return "" if self.token_expires is None else describe_expiry(self.token_expires, self.now.timestamp())

    @property
    def chart_timezone(self) -> str:
        """The time zone of `list_daily_users`."""
        return "UTC" if self.utc_days else self.timezone

    def list_daily_users(self) -> tuple[Mapping[int, float], int]:
        """Return users by day for the chart, and the current day in the same time zone."""
        if self.utc_days:
            return self.utc_days, self.now.astimezone(UTC).toordinal()
        return self.get_summary("days").days, self.today

    def get_summary(self, field: str, window: str = "") -> PollSummary:
        """Return the newest summary that has `field` in a window, empty if there is none."""
        return self.summaries.get((SOURCES[field], window), PollSummary())


def collect_state(poller: DeploymentPoller) -> DeploymentState:
    """Return the current state of a deployment."""
    deployment, token = poller.deployment, poller.server_info.token
    now = poller.clock.now()
    keys = [(job.status.dataset, job.status.window) for job in poller.jobs]
    return DeploymentState(
        name=deployment.name,
        url=deployment.url,
        version=poller.server_info.version,
        token_expires=token.expires,
        expiry_urgency=rate_token(token, now.timestamp()),
        expiry_warning=warn_of_token(token, now.timestamp()),
        problems=find_problems(poller.jobs),
        timezone=deployment.timezone,
        now=now.astimezone(ZoneInfo(deployment.timezone)),
        windows={window.name: describe_window(window) for window in deployment.windows},
        parameter_windows=tuple(deployment.parameters.windows),
        breakdown_windows=tuple(window for dataset, window in keys if dataset == SOURCES["templates"]),
        polls=tuple(map(_collect_poll, poller.jobs)),
        summaries={key: poller.get_summary(*key) for key in keys},
        utc_days=poller.server_info.utc_days,
    )


def _collect_poll(job: Job) -> Poll:
    status, unavailable = job.status, job.request_stats.unavailable
    if unavailable is not None:
        state: State = "off" if unavailable == "disabled" else "unavailable"
    elif not status.finished:
        state = "waiting"
    else:
        state = "good" if status.success else "failing"
    return Poll(
        status=copy(status),
        state=state,
        reason=status.failure.reason if status.failure else unavailable or "",
        is_dependent=job.dataset.depends_on is not None,
    )


def assess_health(polls: Sequence[Poll]) -> Health:
    """Return the health of a deployment by its last polls.

    Datasets that the server does not have do not count, nor do dependent ones that are waiting.
    """
    counted = [
        poll
        for poll in polls
        if poll.state not in {"off", "unavailable"} and not (poll.state == "waiting" and poll.is_dependent)
    ]
    failing = [poll for poll in counted if poll.state == "failing"]
    if failing:
        reasons = " and ".join(sorted({poll.reason.replace("_", " ") for poll in failing}))
        sentence = f"{len(failing)} of {len(counted)} polls fail ({reasons})."
        if any(poll.state == "good" for poll in counted):
            return Health("partly", "Partly failing", _find_earliest(failing), sentence)
        return Health("bad", "Failing", _find_earliest(failing), sentence)
    off = [poll for poll in polls if poll.state == "off"]
    if off:
        return Health("off", "Statistics off", _find_earliest(off), STATISTICS_OFF)
    waiting = sum(poll.state == "waiting" for poll in counted)
    if waiting:
        sentence = f"{waiting} of {len(counted)} polls have not finished yet."
        return Health("waiting", "Starting", None, sentence)
    since = max((poll.status.since for poll in counted if poll.status.since is not None), default=None)
    return Health("good", "Healthy", since, f"{len(counted)} of {len(counted)} polls succeed.")


def _find_earliest(polls: Sequence[Poll]) -> float | None:
    return min((poll.status.since for poll in polls if poll.status.since is not None), default=None)
