"""What the page is made of: plain values, copied from the watches on their own event loop."""

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
from insights_exporter.web.status import format as words

State = Literal["good", "failing", "waiting", "off", "unavailable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How one dataset and window is polled; times are Unix seconds, durations seconds.

    A `last_success` of 0 is none. `failures` are those in a row. `off` is a
    dataset of the statistics that are switched off in Coder.
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
    """One deployment at one moment; `today` is the server's date in the deployment's zone."""

    name: str
    url: str
    version: str | None
    token_expires: float | None
    expiry_urgency: Urgency = "none"
    expiry_warning: str = ""
    causes: tuple[Cause, ...] = ()
    timezone: str
    today: datetime
    windows: tuple[str, ...]
    broken_down: tuple[str, ...]
    parameter_windows: tuple[str, ...] = ()
    polls: tuple[Poll, ...]
    glances: Mapping[tuple[str, str], PollSummary]
    utc_days: Mapping[int, float] = field(default_factory=dict)
    """Users by day of UTC, where the deployment's own days do not reach far back."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """What windows are called in words, by name."""

    @property
    def token_expiry(self) -> str:
        """When the token expires by the server's clock, empty if that is unknown."""
        return (
            "" if self.token_expires is None else describe_expiry(self.token_expires, self.today.timestamp())
        )

    def label(self, window: str) -> str:
        """Return what a window is called in words."""
        return self.labels.get(window, window)

    @property
    def days_zone(self) -> str:
        """The time zone of the days of the chart."""
        return "UTC" if self.utc_days else self.timezone

    def days(self) -> tuple[Mapping[int, float], int]:
        """Give users by day for a chart, with today: in UTC where only that reaches far back."""
        if self.utc_days:
            return self.utc_days, self.today.astimezone(UTC).toordinal()
        return self.summary("daus").days, self.today.toordinal()

    def summary(self, dataset: str, window: str = "") -> PollSummary:
        """Give what the dataset last said of the window; nothing where it said nothing."""
        return self.glances.get((dataset, window), PollSummary())


def collect_state(watches: Iterable[DeploymentPoller]) -> tuple[DeploymentState, ...]:
    """Look at each deployment as it is now."""
    return tuple(_sight(watch) for watch in watches)


def _sight(watch: DeploymentPoller) -> DeploymentState:
    deployment, token = watch.deployment, watch.facts.token
    now = watch.clock.now()
    names = [(job.poll.dataset, job.poll.window) for job in watch.jobs]
    return DeploymentState(
        name=deployment.name,
        url=deployment.url,
        version=watch.facts.version,
        token_expires=token.expires,
        expiry_urgency=rate_token(token, now.timestamp()),
        expiry_warning=warn_of_token(token, now.timestamp()),
        causes=find_causes(watch.jobs),
        timezone=deployment.timezone,
        today=now.astimezone(ZoneInfo(deployment.timezone)),
        windows=tuple(window.name for window in deployment.windows),
        labels={window.name: words.window(window) for window in deployment.windows},
        parameter_windows=tuple(deployment.parameters.windows),
        broken_down=tuple(window for dataset, window in names if dataset == "template-breakdown"),
        polls=tuple(_poll(job) for job in watch.jobs),
        glances={name: watch.glances.of(*name) for name in names},
        utc_days=watch.facts.utc_days,
    )


def _poll(job: Job) -> Poll:
    health = job.poll
    failure = health.failure
    return Poll(
        dataset=health.dataset,
        window=health.window,
        state=_state(job),
        since=health.since,
        last_success=health.last_success,
        duration=health.duration,
        every=health.pace.every,
        series=health.series,
        failures=health.failures,
        reason=failure.reason if failure else job.requests.unavailable or "",
    )


def _state(job: Job) -> State:
    if job.requests.unavailable is not None:
        return "off" if job.requests.unavailable == "disabled" else "unavailable"
    if not job.poll.finished:
        return "waiting"
    return "good" if job.poll.success else "failing"
