"""How long the client waits for the rate limits of servers and of the process."""

import asyncio
import math
import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import pytest

from insights_exporter.coder.client import CoderClient, RequestOptions, SharedTransport
from insights_exporter.coder.clock import ServerClock
from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.rate_limit import GlobalRateLimiter
from insights_exporter.coder.request import Request
from insights_exporter.demo import DEMO_TOKEN
from tests.coder.deployments import PLAIN, client, deployment
from tests.support.fast_clock import run_fast

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
DAUS = Request("/insights/daus")
LATER = int(NOW.timestamp()) + 30


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        pytest.param(429, {"Retry-After": "20"}, 20, id="Retry-After"),
        pytest.param(429, {"Retry-After": "86400"}, 3600, id="an hour at most"),
        pytest.param(429, {"X-RateLimit-Reset": str(LATER)}, 30, id="time of the reset"),
        pytest.param(429, {"X-RateLimit-Reset": str(LATER - 60)}, 0, id="reset in the past"),
        pytest.param(429, {}, 60, id="no header"),
        pytest.param(200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(LATER)}, 30, id="used up"),
        pytest.param(200, {"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": str(LATER)}, 0, id="one left"),
        pytest.param(503, {"Retry-After": "20"}, 0, id="no rate limit"),
    ],
)
async def test_how_long_a_rate_limit_blocks(status: int, headers: dict[str, str], expected: float) -> None:
    """A path is blocked until `Retry-After`, else `X-RateLimit-Reset`, else for a minute; an hour at most."""
    date = {"Date": format_datetime(NOW, usegmt=True)}

    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={**date, **headers}, stream=httpx.ByteStream(b"{}"))

    transport = httpx.MockTransport(respond)
    async with client(deployment("http://coder.example.com"), transport=transport) as one:
        with suppress(ApiError):
            await one.coder.get(DAUS, one.options(deadline=asyncio.get_running_loop().time() + 1))
        blocked = one.coder.rate_limiter.measure_block(DAUS.path)

    assert pytest.approx(expected, abs=5) == blocked


def test_deployments_share_a_rate_limit() -> None:
    """Requests to different deployments wait for the turn that they share."""
    times: list[float] = []

    def respond(_: httpx.Request) -> httpx.Response:
        times.append(asyncio.get_running_loop().time())
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    async def scenario() -> None:
        shared = SharedTransport(httpx.MockTransport(respond), global_limit=GlobalRateLimiter(1, at_once=1))
        options = RequestOptions(lambda *_: None, deadline=math.inf, missing_route="not_found")
        for name in ("one", "two", "three"):
            clock = ServerClock(time.time, time.monotonic)
            config = deployment(f"http://{name}.example.com")
            coder = CoderClient(config, lambda: DEMO_TOKEN, PLAIN, clock, shared)
            await coder.get(DAUS, options)
            await coder.close()

    run_fast(NOW, scenario)

    assert [0, 1, 2] == [round(at - times[0]) for at in times]
