"""Wrong clocks: the server's clock decides, not the exporter's."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.polling.polled_deployment import (
    START,
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

SUCCESS = "insights_exporter_poll_success"


@pytest.mark.parametrize(
    ("days", "zone"),
    [
        pytest.param(-1, "America/Los_Angeles", id="a day behind"),
        pytest.param(1, "Asia/Kolkata", id="a day ahead"),
    ],
)
def test_clock_of_the_exporter_may_be_wrong(days: int, zone: str) -> None:
    """No request is rejected, and days are those of the server's clock."""

    def now() -> datetime:
        return datetime.now(UTC) - timedelta(days=days)

    coder = create_small_coder(now=now)

    async def scenario() -> str:
        async with poll_deployment(coder, timezone=zone) as polled:
            await asyncio.sleep(3600)
            return polled.page()

    page = run_on_fast_clock(scenario)
    today = parse_series(page, "coder_insights_day_start_timestamp_seconds")[("day", "today"),]
    server = START + timedelta(days=-days)

    assert [] == [seen for seen in coder.requests if seen.status != 200]
    assert {1.0} == set(parse_series(page, SUCCESS).values())
    assert 0 <= server.timestamp() + 3600 - today < 86_400


def test_impossible_server_time_is_ignored() -> None:
    """A server time at the end of the calendar, at the start or later, is ignored."""
    coder = create_small_coder()

    async def scenario() -> str:
        coder.fail("clock-far-future")
        async with poll_deployment(coder) as polled:
            await asyncio.sleep(900)
            coder.clear_faults()
            await asyncio.sleep(900)
            coder.fail("clock-far-future")
            await asyncio.sleep(900)
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert [] == [seen for seen in coder.requests if seen.status != 200]
    assert {1.0} == set(parse_series(page, SUCCESS).values())


def test_server_clock_may_be_set_while_polling() -> None:
    """Polls succeed before and after the server sets its clock."""
    coder = create_small_coder()

    async def scenario() -> str:
        async with poll_deployment(coder) as polled:
            await asyncio.sleep(900)
            coder.fail("clock-behind")
            await asyncio.sleep(900)
            coder.clear_faults()
            await asyncio.sleep(900)
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert {1.0} == set(parse_series(page, SUCCESS).values())
