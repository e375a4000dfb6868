"""Arbitrary responses of the requests for server info."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import DEMO_TOKEN
from insights_exporter.exposition.negotiation import Format
from insights_exporter.polling.publisher import PageStore, Publisher
from insights_exporter.polling.server_info import ServerInfoPoller
from insights_exporter.polling.status import list_exposed_families
from tests.coder.deployments import client, deployment
from tests.datasets import responses

SOON = 10


async def render_page(bodies: Mapping[str, Any]) -> str:
    """Return the page after one poll, which must end."""

    def response(request: httpx.Request) -> httpx.Response:
        words = request.url.path.split("/")
        body = next(bodies[word] for word in (words[-1], words[-2]) if word in bodies)
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(body).encode()))

    pages = PageStore(list_exposed_families(DATASETS))
    settings = deployment("http://coder.example.com", requests_per_minute=1_000_000)
    async with client(settings, transport=httpx.MockTransport(response)) as one:
        publisher = Publisher("dev", 10_000, pages)
        server_info = ServerInfoPoller(one.coder, lambda: DEMO_TOKEN, publisher)
        await server_info.poll()
        await asyncio.wait_for(server_info.wait_for_clock(), SOON)
    pages.refresh()
    return b"".join(chain.from_iterable(pages.page.contents[Format.TEXT].group_parts())).decode()


@given(bodies=st.fixed_dictionaries(dict(responses.FACTS)))
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_any_response_leaves_a_valid_page(bodies: Mapping[str, Any]) -> None:
    """No series repeats, and polls that wait for the clock continue."""
    samples = [
        sample
        for family in text_string_to_metric_families(asyncio.run(render_page(bodies)))
        for sample in family.samples
    ]
    series = Counter((sample.name, *sorted(sample.labels.items())) for sample in samples)

    assert {} == {one: times for one, times in series.items() if times > 1}
