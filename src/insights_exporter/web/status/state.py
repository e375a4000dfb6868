"""The state of each deployment that the status page shows, copied on the event loop."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from insights_exporter.polling.causes import (
    Cause,
    Urgency,
    describe_expiry,
    find_causes,
    rate_token,
    warn_of_token,
)
from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.polling.jobs import Job
from insights_exporter.polling.summary import PollSummary
from insights_exporter.web.status.format import describe_window

State = Literal["good", "failing", "waiting", "off", "unavailable"]
"""The state of a poll; `off`: usage statistics are switched off in Coder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The polling of one dataset and window; times are Unix seconds, durations seconds.

    `last_success` is 0 before the first success; `failures` are consecutive ones.
    """

    dataset: str
    window: str
    state: State
    since: float | None
    last_success: float
    duration: float | None
    every: float
    series: int
    failures: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentState:
    """One deployment at one moment; `now` is the server's time in the time zone of the deployment."""

    name: str
    url: str
    version: str | None
    token_expires: float | None
    expiry_urgency: Urgency = "none"
    expiry_warning: str = ""
    causes: tuple[Cause, ...] = ()
    timezone: str
    now: datetime
    windows: tuple[str, ...]
    window_labels: Mapping[str, str] = field(default_factory=dict)
    breakdown_windows: tuple[str, ...]
    parameter_windows: tuple[str, ...] = ()
    polls: tuple[Poll, ...]
    summaries: Mapping[tuple[str, str], PollSummary]
    """Summaries by dataset and window."""
    utc_days: Mapping[int, float] = field(default_factory=dict)
    """Users by UTC day, if Coder keeps little history for days of the deployment's time zone."""

    @property
    def today(self) -> int:
        """The ordinal of the current day in the time zone of the deployment."""
        return self.now.toordinal()

    @property
    def token_expiry(self) -> str:
        """The remaining lifetime of the token in words, empty if unknown."""
        return "" if self.token_expires is None else describe_expiry(self.token_expires, self.now.timestamp())

    @property
    def chart_timezone(self) -> str:
        """The time zone of `daily_users`."""
        return "UTC" if self.utc_days else self.timezone

    def daily_users(self) -> tuple[Mapping[int, float], int]:
        """Return users by day for the chart, and the current day in the same time zone."""
        if self.utc_days:
            return self.utc_days, self.now.astimezone(UTC).toordinal()
        return self.summary("daus").days, self.today

    def window_label(self, window: str) -> str:
        """Return the description of a window."""
        return self.window_labels.get(window, window)

    def summary(self, dataset: str, window: str = "") -> PollSummary:
        """Return the newest summary of a dataset and window, empty if there is none."""
        return self.summaries.get((dataset, window), PollSummary())


def collect_state(pollers: Iterable[DeploymentPoller]) -> tuple[DeploymentState, ...]:
    """Return the current state of each deployment."""
    return tuple(_collect_deployment(poller) for poller in pollers)


def _collect_deployment(poller: DeploymentPoller) -> DeploymentState:
    deployment, token = poller.deployment, poller.facts.token
    now = poller.clock.now()
    keys = [(job.poll.dataset, job.poll.window) for job in poller.jobs]
    return DeploymentState(
        name=deployment.name,
        url=deployment.url,
        version=poller.facts.version,
        token_expires=token.expires,
        expiry_urgency=rate_token(token, now.timestamp()),
        expiry_warning=warn_of_token(token, now.timestamp()),
        causes=find_causes(poller.jobs),
        timezone=deployment.timezone,
        now=now.astimezone(ZoneInfo(deployment.timezone)),
        windows=tuple(window.name for window in deployment.windows),
        window_labels={window.name: describe_window(window) for window in deployment.windows},
        parameter_windows=tuple(deployment.parameters.windows),
        breakdown_windows=tuple(window for dataset, window in keys if dataset == "template-breakdown"),
        polls=tuple(map(_collect_poll, poller.jobs)),
        summaries={key: poller.glances.of(*key) for key in keys},
        utc_days=poller.facts.utc_days,
    )


def _collect_poll(job: Job) -> Poll:
    status, unavailable = job.poll, job.requests.unavailable
    if unavailable is not None:
        state: State = "off" if unavailable == "disabled" else "unavailable"
    elif not status.finished:
        state = "waiting"
    else:
        state = "good" if status.success else "failing"
    return Poll(
        dataset=status.dataset,
        window=status.window,
        state=state,
        since=status.since,
        last_success=status.last_success,
        duration=status.duration,
        every=status.pace.every,
        series=status.series,
        failures=status.failures,
        reason=status.failure.reason if status.failure else unavailable or "",
    )
