"""The health of a deployment follows from its polls."""

import pytest

from insights_exporter.web.status.state import Health, Poll, assess_health
from tests.web.status.states import NOW, deployment, failing, poll, switched_off

MISSING = poll(state="unavailable", since=NOW - 5, reason="unsupported", last_success=0.0)


@pytest.mark.parametrize(
    ("polls", "expected"),
    [
        pytest.param(
            (poll(), poll("templates", "7d", since=NOW - 60)),
            Health("good", "Healthy", NOW - 60, "2 of 2 polls succeed."),
            id="since the last one recovered",
        ),
        pytest.param(
            (poll(), MISSING),
            Health("good", "Healthy", NOW - 3600, "1 of 1 polls succeed."),
            id="datasets that the server does not have do not count",
        ),
        pytest.param(
            (poll(), failing("templates"), failing("user-latency", since=NOW - 60, reason="timeout")),
            Health("partly", "Partly failing", NOW - 7200, "2 of 3 polls fail (forbidden and timeout)."),
            id="since the first one failed",
        ),
        pytest.param(
            (failing(),),
            Health("bad", "Failing", NOW - 7200, "1 of 1 polls fail (forbidden)."),
            id="all fail",
        ),
        pytest.param(
            (failing(), poll("template-breakdown", "7d", state="waiting", since=None, is_dependent=True)),
            Health("bad", "Failing", NOW - 7200, "1 of 1 polls fail (forbidden)."),
            id="a breakdown that waits for its templates is no success",
        ),
        pytest.param(
            (poll(), poll("templates", state="waiting", since=None)),
            Health("waiting", "Starting", None, "1 of 2 polls have not finished yet."),
            id="starting",
        ),
        pytest.param(
            (switched_off(), switched_off("templates", since=None), poll("user-status-counts")),
            Health("off", "Statistics off", NOW - 7200, "Usage statistics are switched off in Coder."),
            id="statistics off",
        ),
        pytest.param(
            (switched_off(), failing("user-status-counts"), poll("periods")),
            Health("partly", "Partly failing", NOW - 7200, "1 of 2 polls fail (forbidden)."),
            id="statistics off and a failure",
        ),
    ],
)
def test_health(polls: tuple[Poll, ...], expected: Health) -> None:
    """The health of a deployment is a level, a sentence and the time since which it holds."""
    assert expected == assess_health(polls)


def test_oldest_data() -> None:
    """The age shown is that of the dataset that succeeded longest ago, if any did."""
    never = poll(last_success=0.0)

    assert NOW - 130 == deployment(polls=(poll(), poll(last_success=NOW - 130), never)).oldest_success
    assert deployment(polls=(never,)).oldest_success is None
