"""Requests for selected deployments, and responses to slow clients."""

import asyncio
from collections.abc import Sequence
from unittest.mock import AsyncMock, Mock

import pytest
from starlette.exceptions import HTTPException

from insights_exporter.exposition.page import build_page
from insights_exporter.exposition.process import ProcessMetrics
from insights_exporter.web.limits import DEFAULT_LIMITS
from insights_exporter.web.metrics_handler import MetricsHandler
from insights_exporter.web.request import parse_request
from insights_exporter.web.response import EXCHANGE, HTTPExchange
from tests.exposition.snapshots import NAPS, build_snapshot, create_gauges, group_by_family

MOST_JOINED = 384 * 1024
"""Bytes of text that are joined ahead of a client."""


@pytest.mark.parametrize("number", [1, 500])
async def test_deployments_are_read_once(number: int) -> None:
    """The deployments are read once per request, and an unknown name is found among many."""
    deployments, send = Mock(return_value=frozenset({"a"})), AsyncMock()
    scrape = MetricsHandler(Mock(), Mock(), deployments, 2)
    query = b"deployment=a&" * number + b"deployment=unknown"
    scope = {
        "type": "http",
        "method": "GET",
        "query_string": query,
        "headers": [],
        "extensions": {EXCHANGE: Mock()},
    }

    with pytest.raises(HTTPException) as refused:
        await scrape(scope, AsyncMock(), send)

    assert (404, 1) == (refused.value.status_code, deployments.call_count)


async def test_text_is_joined_as_the_client_reads() -> None:
    """While a client does not read, its response holds a copy of a small part of the text."""
    text = {(NAPS, ("acme", "cats", f"{n}d", "")): create_gauges("acme", f"{n}d", 500) for n in range(100)}
    store = Mock(page=build_page(build_snapshot().apply(group_by_family(text))))
    written, is_full = [0], asyncio.Event()

    async def write(parts: Sequence[bytes]) -> None:
        written[0] += sum(map(len, parts))
        is_full.set()
        await asyncio.Event().wait()

    request = parse_request(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n", DEFAULT_LIMITS)
    exchange = HTTPExchange(Mock(write=write), request, list, keep_alive=True)
    scrape = MetricsHandler(store, Mock(return_value=ProcessMetrics()), frozenset, 2)
    task = asyncio.create_task(scrape(exchange.build_scope(), exchange.receive, exchange.send))
    await is_full.wait()
    task.cancel()

    assert MOST_JOINED > written[0]
