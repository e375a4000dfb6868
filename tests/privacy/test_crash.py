"""An unexpected error names no user either."""

import asyncio
from dataclasses import replace

import pytest
import structlog

from insights_exporter.coder.request import Response
from insights_exporter.datasets.base import ConvertResult, PollContext
from insights_exporter.datasets.registry import DATASETS
from tests.polling.polled_deployment import (
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)


def crash(_context: PollContext, response: Response) -> ConvertResult:
    """Fail with all there is in the message."""
    raise RuntimeError(response.body.decode())


@pytest.mark.parametrize("name", ["user-activity", "template-breakdown"])
def test_unexpected_error_names_its_place_and_no_user(name: str) -> None:
    """The poll fails, and the log names the place in the code, without the error's text."""
    registry = {**DATASETS, name: replace(DATASETS[name], convert=crash)}
    coder = create_small_coder()

    async def scenario() -> str:
        config = {"users": {"detail": "aggregate"}, "templates": {"users": True}}
        async with poll_deployment(coder, registry, **config) as polled:
            await asyncio.sleep(60)
            return polled.page()

    with structlog.testing.capture_logs() as logs:
        page = run_on_fast_clock(scenario)
    output = page + str(logs)
    users = coder.population.users

    assert "unexpected RuntimeError in crash (test_crash.py:" in str(logs)
    assert 0.0 in parse_series(page, "insights_exporter_poll_success").values()
    assert [] == [one.username for one in users if one.username in output or one.id in output]
