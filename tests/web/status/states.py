"""States of deployments for the tests: a healthy one, and others by what differs."""

from datetime import UTC, datetime
from typing import Any

from insights_exporter.config.intervals import PollInterval
from insights_exporter.datasets.summary import ParameterUse, PollSummary, Ranking
from insights_exporter.exposition.family import HistogramValue
from insights_exporter.polling.status import PollStatus
from insights_exporter.web.status.state import DeploymentState, Poll

NOW = 1_800_000_000.0
SERVER_TIME = datetime(2026, 5, 20, 14, 31, tzinfo=UTC)
TODAY = SERVER_TIME.toordinal()


def poll(dataset: str = "daus", window: str = "", **different: Any) -> Poll:  # noqa: ANN401 -- any field
    """Return a poll that succeeded ten seconds ago and has done so for an hour."""
    default: dict[str, Any] = {
        "since": NOW - 3600,
        "last_success": NOW - 10,
        "duration": 0.25,
        "series": 4,
    }
    own: dict[str, Any] = {"state": "good", "reason": "", "is_dependent": False}
    own |= {name: different.pop(name) for name in own if name in different}
    status = PollStatus(dataset, window, PollInterval(300.0, 900.0), **(default | different))
    return Poll(status=status, **own)


def failing(dataset: str = "daus", **different: Any) -> Poll:  # noqa: ANN401 -- any field
    """Return a poll that has been refused for two hours."""
    default: dict[str, Any] = {
        "state": "failing",
        "since": NOW - 7200,
        "reason": "forbidden",
        "failures": 24,
    }
    return poll(dataset, **(default | different))


def switched_off(dataset: str = "daus", **different: Any) -> Poll:  # noqa: ANN401 -- any field
    """Return a poll of statistics that have been switched off for two hours."""
    default: dict[str, Any] = {"state": "off", "since": NOW - 7200, "reason": "disabled", "series": 0}
    return poll(dataset, **(default | different))


WINDOWS = {"today": "today", "7d": "last 7 days", "30d": "last 30 days"}
SUMMARIES = {
    ("daus", ""): PollSummary(days={TODAY - 2: 7.0, TODAY - 1: 12.0, TODAY: 3.0}),
    ("templates", "7d"): PollSummary(
        active_users=15.0,
        apps=Ranking((("SSH", 7200.0), ("code-server", 1800.0)), 2, 900.0),
        parameters=(
            ParameterUse("region", Ranking((("eu", 8.0), ("us", 2.0)), 3, 4.0)),
            ParameterUse("dotfiles", Ranking((), 1, 5.0), free_text=True),
        ),
    ),
    ("template-breakdown", "7d"): PollSummary(templates=Ranking((("docker", 9.0), ("kubernetes", 3.0)))),
    ("license", ""): PollSummary(
        seats={"user_limit": (20.0, 25.0), "ai_governance_user_limit": (12.0, 12.0)},
        license_status="entitled",
    ),
    ("user-latency", "7d"): PollSummary(
        latency={
            "p50": HistogramValue((0, 1, 2, 3, 6, 7, 8, 9, 9, 9, 10), 1.5),
            "p95": HistogramValue((0, 0, 0, 1, 2, 3, 4, 9, 9, 9, 10), 3.5),
        }
    ),
    ("periods", ""): PollSummary(
        weeks={"last": 14.0, "before_last": 13.0}, months={"last": 21.0, "before_last": 22.0}
    ),
    ("user-activity", "7d"): PollSummary(
        activity=HistogramValue((0, 1, 2, 3, 4, 5, 8, 10, 10, 10, 10, 10), 4e5)
    ),
    ("user-status-counts", ""): PollSummary(users={"active": 20.0, "dormant": 2.0}),
}


def deployment(name: str = "main", **different: Any) -> DeploymentState:  # noqa: ANN401 -- any field
    """Return a healthy deployment with data of every dataset."""
    default: dict[str, Any] = {
        "name": name,
        "url": "https://coder.example.com",
        "version": "v2.30.0",
        "token_expires": SERVER_TIME.timestamp() + 86400,
        "expiry_urgency": "none",
        "expiry_warning": "",
        "problems": (),
        "timezone": "UTC",
        "utc_days": {},
        "now": SERVER_TIME,
        "windows": WINDOWS,
        "breakdown_windows": ("7d",),
        "parameter_windows": ("7d",),
        "polls": (poll(), poll("templates", "7d")),
        "summaries": SUMMARIES,
    }
    return DeploymentState(**(default | different))
