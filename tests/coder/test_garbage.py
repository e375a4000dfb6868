"""Requests leave nothing for the garbage collector, whose work would keep scrapes waiting."""

from contextlib import suppress

import pytest

from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.request import Request
from insights_exporter.demo import FAULTS, EmbeddedCoder, Population, serve
from tests.coder.deployments import client, deployment
from tests.integration.garbage import collected

PATHS = ("/insights/daus", "/insights/user-latency", "/buildinfo")
OF_CLIENTS = ("httpx.", "httpcore.", "insights_exporter.coder.")
"""What a request is made of; the embedded Coder, which leaves garbage of its own, is in this process too."""


@pytest.mark.parametrize("fault", ["none", *FAULTS])
async def test_request_is_freed_as_it_ends(fault: str) -> None:
    """However a request ends, nothing of it holds itself."""
    server = EmbeddedCoder(population=Population(seed=1, users=20, templates=3))
    if fault != "none":
        server.fail(fault)
    with serve(server) as url:
        config = deployment(url, timeout="300ms", max_response_bytes=1 << 20)
        async with client(config) as one:
            with collected(*OF_CLIENTS) as left:
                for path in PATHS:
                    with suppress(ApiError):
                        await one.coder.send(Request(path), one.options())

    assert len(PATHS) == len(one.log.failures)
    assert [] == left
