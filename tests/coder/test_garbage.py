"""Requests leave nothing for the garbage collector, whose work would keep scrapes waiting."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.request import Request
from insights_exporter.demo import FAULTS, EmbeddedCoder, Population, serve
from tests.coder.deployments import client, deployment
from tests.integration.garbage import list_uncollected

PATHS = ("/insights/daus", "/insights/user-latency", "/buildinfo")
OF_CLIENTS = ("httpx.", "httpcore.", "insights_exporter.coder.")
"""What a request is made of; the embedded Coder, which leaves garbage of its own, is in this process too."""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[EmbeddedCoder, str]]:
    """Yield a small Coder and its URL."""
    coder = EmbeddedCoder(population=Population(seed=1, users=20, templates=3))
    with serve(coder) as url:
        yield coder, url


@pytest.mark.parametrize("fault", ["none", *FAULTS])
async def test_request_is_freed_as_it_ends(server: tuple[EmbeddedCoder, str], fault: str) -> None:
    """A request leaves no reference cycles, however it ends."""
    coder, url = server
    coder.clear_faults()
    if fault != "none":
        coder.fail(fault)
    config = deployment(url, timeout="200ms", max_response_bytes=1 << 20)
    async with client(config) as one:
        with list_uncollected(*OF_CLIENTS) as left:
            for path in PATHS:
                with suppress(ApiError):
                    await one.coder.send(Request(path), one.options())
            sent = len(one.log.failures)
            one.log.failures.clear()

    assert len(PATHS) == sent
    assert [] == left
