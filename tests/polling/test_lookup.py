"""Polls that look up the result of another dataset: users by group."""

import asyncio
from datetime import UTC, datetime

import httpx

from insights_exporter.demo.server import create_app
from tests.polling.polled_deployment import (
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

BETWEEN_POLLS = datetime(2026, 3, 4, 10, 35, tzinfo=UTC)
"""The next poll of seven days is due in ten minutes."""
GROUPS: dict[str, object] = {"datasets": {"groups": {"enabled": True}}, "groups": {"min_users": 1}}
FAMILIES = (
    "coder_insights_group_members",
    "coder_insights_group_active_users",
    "coder_insights_group_activity_seconds",
    "coder_insights_group_connection_quality_users",
)


class SlowGroups(httpx.AsyncBaseTransport):
    """A server that needs long to list the groups."""

    def __init__(self, seconds: float) -> None:
        self._inner = httpx.ASGITransport(create_app(create_small_coder()))
        self._seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond, about groups after a while."""
        if request.url.path.endswith("/groups"):
            await asyncio.sleep(self._seconds)
        return await self._inner.handle_async_request(request)


def list_exposed(page: str) -> list[str]:
    """Return the families of groups that have series."""
    return [name for name in FAMILIES if page.count(f"\n{name}{{")]


def test_slow_list_of_groups_does_not_delay_users() -> None:
    """Users are exposed before a slow list of groups has arrived, and by group within minutes of it."""

    async def scenario() -> tuple[str, str]:
        async with poll_deployment(SlowGroups(25), **GROUPS) as polled:
            await asyncio.sleep(20)
            early = polled.page()
            await asyncio.sleep(5 * 60)
            return early, polled.page()

    early, late = run_on_fast_clock(scenario, BETWEEN_POLLS)

    assert [] == list_exposed(early)
    assert parse_series(early, "coder_insights_user_activity_seconds")
    assert list(FAMILIES) == list_exposed(late)


def test_one_shot_command_waits_for_a_slow_list_of_groups() -> None:
    """A single round has users by group, since there is no later one that could add them."""

    async def scenario() -> str:
        async with poll_deployment(SlowGroups(25), **GROUPS) as polled:
            await polled.poller.poll_once()
            await asyncio.sleep(1)  # the page follows its changes a moment later
            return polled.page()

    assert list(FAMILIES) == list_exposed(run_on_fast_clock(scenario))
