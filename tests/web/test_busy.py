"""Requests beyond the limit of an endpoint, through its route, over real sockets."""

import asyncio
import threading
from unittest.mock import Mock, PropertyMock

import pytest
from starlette.applications import Starlette

from insights_exporter.exposition.page import build_page
from insights_exporter.exposition.process import ProcessMetrics
from insights_exporter.web.app import AppDependencies, create_app
from insights_exporter.web.concurrency import WAITING_PAGES
from insights_exporter.web.metrics_handler import MetricsHandler
from insights_exporter.web.status.handler import StatusHandler
from tests.exposition.snapshots import build_snapshot
from tests.integration.waiting import eventually_async
from tests.web.server import GENEROUS, Address, read_until_close, serving

FILTERED = "/metrics?name[]=naps_seconds"
BUSY = ["HTTP/1.1 503 Service Unavailable", "retry-after: 1"]


def create_slow_app(may_go_on: threading.Event, max_requests: int) -> Starlette:
    """Return the application; `/`, `/config` and filtered scrapes respond once `may_go_on` is set."""

    def wait_for_config() -> str:
        may_go_on.wait()
        return "deployments: []\n"

    def wait_for_snapshot() -> object:
        may_go_on.wait()
        return build_snapshot("acme")

    store = Mock(page=build_page(build_snapshot("acme")))
    type(store).snapshot = PropertyMock(side_effect=wait_for_snapshot)
    dependencies = AppDependencies(
        metrics_path="/metrics",
        metrics=MetricsHandler(store, Mock(return_value=ProcessMetrics()), frozenset, max_requests),
        status=StatusHandler("/metrics", list).respond,
        config=wait_for_config,
        ready=lambda: True,
        reload=None,
        on_error=Mock(),
    )
    return create_app(dependencies)


async def request(address: Address, path: str) -> list[str]:
    """Return the status line and the headers of a response."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    response = await read_until_close(reader)
    writer.close()
    return response.partition(b"\r\n\r\n")[0].decode().split("\r\n")


@pytest.mark.parametrize(
    ("path", "places"),
    [
        pytest.param("/", 1 + WAITING_PAGES, id="status page"),
        pytest.param("/config", 1 + WAITING_PAGES, id="config"),
        pytest.param(FILTERED, 1 + 4, id="filtered scrape"),
    ],
)
async def test_request_beyond_the_limit(path: str, places: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If all places of an endpoint are taken, it responds with 503 and scrapes still work."""
    may_go_on = threading.Event()

    def wait_for_page(_: object) -> str:
        may_go_on.wait()
        return "<!DOCTYPE html>"

    monkeypatch.setattr("insights_exporter.web.status.handler.render_html", wait_for_page)
    async with serving(GENEROUS, create_slow_app(may_go_on, max_requests=8)) as (server, address):
        waiting: list[asyncio.Task[list[str]]] = []
        for _ in range(places):
            waiting.append(asyncio.create_task(request(address, path)))
            await eventually_async(lambda: len(server.tracker.tasks) == len(waiting))
        try:
            refused, scrape = await request(address, path), await request(address, "/metrics")
        finally:
            may_go_on.set()
        served = await asyncio.gather(*waiting)

    assert BUSY == [line for line in refused if line in BUSY]
    assert {"HTTP/1.1 200 OK"} == {response[0] for response in (scrape, *served)}


async def test_scrape_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """If all scrapes are being served, a further one gets 503 after a while, and a later one succeeds."""
    monkeypatch.setattr("insights_exporter.web.limits._SLOT_INTERVAL", 0.0)
    may_go_on = threading.Event()
    async with serving(GENEROUS, create_slow_app(may_go_on, max_requests=1)) as (server, address):
        first = asyncio.create_task(request(address, FILTERED))
        await eventually_async(lambda: server.tracker.tasks)
        try:
            refused = await request(address, "/metrics")
        finally:
            may_go_on.set()
        served = [await first, await request(address, "/metrics")]

    assert BUSY == [line for line in refused if line in BUSY]
    assert {"HTTP/1.1 200 OK"} == {response[0] for response in served}
