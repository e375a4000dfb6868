"""Templates in use: those of the newest report that could be decoded."""

import asyncio
import json

import httpx

from insights_exporter.demo.server import create_app
from tests.polling.polled_deployment import (
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

USERS = "coder_insights_template_active_users"


class Garbled(httpx.AsyncBaseTransport):
    """A server that can send invalid template ids."""

    def __init__(self) -> None:
        self.broken = False
        self._inner = httpx.ASGITransport(create_app(create_small_coder()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond as Coder does, with a number among the ids while `broken`."""
        response = await self._inner.handle_async_request(request)
        of_all = request.url.path.endswith("/insights/templates") and "template_ids" not in request.url.params
        if not (self.broken and of_all):
            return response
        content = json.loads(await response.aread())
        content["report"]["template_ids"].append(7)
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(content).encode()))


def test_unreadable_ids_do_not_mean_unused_templates() -> None:
    """The breakdown requests the templates of the last valid report."""
    way = Garbled()

    async def scenario() -> tuple[str, str]:
        async with poll_deployment(way) as polled:
            await asyncio.sleep(120)
            before, way.broken = polled.page(), True
            await asyncio.sleep(3600)
            return before, polled.page()

    before, after = run_on_fast_clock(scenario)

    assert any(parse_series(before, USERS).values())
    assert parse_series(before, USERS).keys() == parse_series(after, USERS).keys()
    assert [users > 0 for users in parse_series(before, USERS).values()] == [
        users > 0 for users in parse_series(after, USERS).values()
    ]


def test_without_a_report_no_template_is_exposed() -> None:
    """Without a valid report, no template is exposed as used or unused."""
    way = Garbled()
    way.broken = True

    async def scenario() -> str:
        async with poll_deployment(way) as polled:
            await asyncio.sleep(1200)
            return polled.page()

    assert {} == parse_series(run_on_fast_clock(scenario), USERS)
