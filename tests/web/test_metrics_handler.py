"""Requests for selected deployments."""

from unittest.mock import AsyncMock, Mock

import pytest

from insights_exporter.web.metrics_handler import MetricsHandler
from insights_exporter.web.response import EXCHANGE


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

    await scrape(scope, AsyncMock(), send)

    assert (404, 1) == (send.call_args_list[0].args[0]["status"], deployments.call_count)
