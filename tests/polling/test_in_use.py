"""Which templates are in use: as the newest report says that could be read."""

import asyncio
import json

import httpx

from insights_exporter.demo.server import create_app
from tests.polling.polled_deployment import on_fast_clock, poll_deployment, series_of, small_coder

USERS = "coder_insights_template_active_users"


class Garbled(httpx.AsyncBaseTransport):
    """A way to a Coder on which ids of templates can get lost."""

    def __init__(self) -> None:
        self.broken = False
        self._inner = httpx.ASGITransport(create_app(small_coder()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the Coder does, with a number among the ids where they get lost."""
        response = await self._inner.handle_async_request(request)
        of_all = request.url.path.endswith("/insights/templates") and "template_ids" not in request.url.params
        if not (self.broken and of_all):
            return response
        told = json.loads(await response.aread())
        told["report"]["template_ids"].append(7)
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(told).encode()))


def test_unreadable_ids_do_not_mean_unused_templates() -> None:
    """The templates of the last report that could be read are asked about."""
    way = Garbled()

    async def scenario() -> tuple[str, str]:
        async with poll_deployment(way) as polled:
            await asyncio.sleep(120)
            before, way.broken = polled.page(), True
            await asyncio.sleep(3600)
            return before, polled.page()

    before, after = on_fast_clock(scenario)

    assert any(series_of(before, USERS).values())
    assert series_of(before, USERS).keys() == series_of(after, USERS).keys()
    assert [users > 0 for users in series_of(before, USERS).values()] == [
        users > 0 for users in series_of(after, USERS).values()
    ]


def test_without_any_report_nothing_is_said_of_templates() -> None:
    """What cannot be known is not shown."""
    way = Garbled()
    way.broken = True

    async def scenario() -> str:
        async with poll_deployment(way) as polled:
            await asyncio.sleep(1200)
            return polled.page()

    assert {} == series_of(on_fast_clock(scenario), USERS)
