"""A Coder that follows the published API page exactly, polled for hours."""

import asyncio

import httpx

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.server import create_app
from tests.polling.polled_deployment import (
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

HOURS = 2
PUBLISHED = {
    name for name, each in DATASETS.items() if each.missing_route == "not_found" and not each.depends_on
}
"""What needs no more than the page has."""
YOUNGER = {
    "coder_insights_app_times_used",
    "coder_insights_group_active_users",
    "coder_insights_group_activity_seconds",
    "coder_insights_group_connection_quality_users",
}
"""What the page's responses do not have."""


class Slow(httpx.AsyncBaseTransport):
    """A server that responds after a second, so that requests overlap."""

    def __init__(self, coder: EmbeddedCoder) -> None:
        self._inner = httpx.ASGITransport(create_app(coder))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond after a second."""
        await asyncio.sleep(1)
        return await self._inner.handle_async_request(request)


def test_page_of_a_published_coder() -> None:
    """One rejected request detects the dialect, for all datasets and permanently."""
    coder = create_small_coder(rules="published")

    async def scenario() -> str:
        async with poll_deployment(Slow(coder)) as polled:
            await asyncio.sleep(HOURS * 3600)
            return polled.page()

    page = run_on_fast_clock(scenario)

    refused = [seen.path for seen in coder.requests if seen.status == 400]
    success = parse_series(page, "insights_exporter_poll_success")
    families = {family.name for name in PUBLISHED for family in DATASETS[name].families}

    assert 1 == len(refused)
    assert PUBLISHED == {dict(labels)["dataset"] for labels in success}
    assert {1.0} == set(success.values())
    assert YOUNGER == {name for name in families if f"\n{name}" not in page}
