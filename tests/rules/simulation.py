"""Hours of the real exporter's `/metrics`, as promtool evaluates them.

The exporter polls the embedded Coder on a clock that jumps. Its exposition is
read every few minutes, so that counters, times and gaps are those of the program.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.server import create_app
from tests.polling.polled_deployment import (
    PolledDeployment,
    create_small_coder,
    poll_deployment,
    run_on_fast_clock,
)

START: Final = datetime(2026, 3, 5, tzinfo=UTC)
"""A Thursday's midnight, as the start of Unix time is, which is when promtool's clock starts."""

MINUTES: Final = 2
"""Between two scrapes, and two evaluations of the rules."""

BEFORE_THE_FIRST_POLL: Final = 0.001
TARGET: Final = 'job="insights-exporter",instance="10.0.0.1:12112"'
SERIES: Final = re.compile(r"((?:insights_exporter|coder_insights)_\w+)\{(.*)\} (\S+)")

Scrape = Mapping[str, str]
"""The values of one scrape by series."""


class Network(httpx.AsyncBaseTransport):
    """The connection to a Coder, which can be broken and can change responses."""

    def __init__(self, coder: EmbeddedCoder) -> None:
        self._coder = httpx.ASGITransport(create_app(coder))
        self.cut = False
        self.change: Callable[[str, bytes], bytes] = lambda _, body: body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the Coder's response.

        Raises:
            httpx.ConnectError: the network is cut.
        """
        if self.cut:
            raise httpx.ConnectError("connection refused")
        response = await self._coder.handle_async_request(request)
        body = self.change(request.url.path, await response.aread())
        headers = [(name, value) for name, value in response.headers.raw if name != b"content-length"]
        return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(body))


@dataclass(slots=True)
class Stage:
    """An exporter that polls a Coder, and what Prometheus has scraped of it."""

    coder: EmbeddedCoder
    network: Network
    polled: PolledDeployment
    minutes: int = MINUTES
    scrapes: list[Scrape] = field(default_factory=list)

    async def scrape(self, hours: float) -> None:
        """Scrape for some hours."""
        for _ in range(self.count(hours)):
            self.scrapes.append(dict(map(_sample, SERIES.finditer(self.polled.page()))))
            await asyncio.sleep(self.minutes * 60)

    def miss(self, hours: float) -> None:
        """Let hours pass in which no scrape succeeds."""
        self.scrapes += [{}] * self.count(hours)

    def count(self, hours: float) -> int:
        """Return the number of scrapes in some hours."""
        return round(hours * 60 / self.minutes)


Play = Callable[[Stage], Awaitable[None]]


def _sample(line: re.Match[str]) -> tuple[str, str]:
    """Return a series with the labels of its target, and its value by promtool's clock."""
    name, labels, value = line.groups()
    number = float(value)
    if name.endswith("_timestamp_seconds") and number:
        value = repr(number - START.timestamp())
    return f"{name}{{{TARGET},{labels}}}", value


@asynccontextmanager
async def _stage(
    coder: EmbeddedCoder, cut: bool, minutes: int, config: Mapping[str, Any]
) -> AsyncIterator[Stage]:
    network = Network(coder)
    network.cut = cut
    async with poll_deployment(network, **config) as polled:
        await asyncio.sleep(BEFORE_THE_FIRST_POLL)
        yield Stage(coder, network, polled, minutes)


def simulate(
    play: Play,
    coder: Mapping[str, Any] | None = None,
    *,
    cut: bool = False,
    minutes: int = MINUTES,
    **config: object,
) -> tuple[Scrape, ...]:
    """Return what Prometheus scrapes every few `minutes` while `play` runs."""

    async def scenario() -> tuple[Scrape, ...]:
        async with _stage(create_small_coder(**(coder or {})), cut, minutes, config) as stage:
            await play(stage)
            return tuple(stage.scrapes)

    return run_on_fast_clock(scenario, START)


def input_series(scrapes: Sequence[Scrape], read: re.Pattern[str]) -> list[dict[str, str]]:
    """Return promtool's input: the series whose names match `read`, and those that Prometheus adds."""
    up = [{f"up{{{TARGET}}}": str(int(bool(scrape)))} for scrape in scrapes]
    info = [
        {f'insights_exporter_build_info{{{TARGET},version="0"}}': "1"} if scrape else {} for scrape in scrapes
    ]
    scraped = [{**each, **up[at], **info[at]} for at, each in enumerate(scrapes)]
    names = dict.fromkeys(name for scrape in scraped for name in scrape if read.match(name))
    return [{"series": name, "values": _notation([each.get(name) for each in scraped])} for name in names]


def _notation(values: Sequence[str | None]) -> str:
    """Return values in promtool's notation, equal neighbours together; a series that ends is stale."""
    parts: list[str] = []
    at = 0
    while at < len(values):
        end = at
        while end < len(values) and values[end] == values[at]:
            end += 1
        parts.append(_run(values[at], end - at, bool(parts)))
        at = end
    return " ".join(parts)


def _run(value: str | None, length: int, has_begun: bool) -> str:
    if value is not None:
        return f"{value}x{length - 1}" if length > 1 else value
    missing = f"_x{length - 1}" if length > 1 else "_"
    if not has_begun:
        return missing
    return "stale" if length == 1 else f"stale _x{length - 2}" if length > 2 else "stale _"
