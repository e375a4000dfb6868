"""Requests leave nothing for the garbage collector, whose work would keep scrapes waiting."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from insights_exporter.coder.failures import RequestFailed
from insights_exporter.demo import FAULTS, EmbeddedCoder, Population, serve
from tests.coder.deployments import client, deployment

PATHS = ("/insights/daus", "/insights/user-latency", "/buildinfo")
OF_CLIENTS = ("httpx.", "httpcore.", "insights_exporter.coder.")
"""What a request is made of; the embedded Coder, which leaves garbage of its own, is in this process too."""


@contextmanager
def collected() -> Iterator[list[str]]:
    """Fill a list with the types of all that became garbage meanwhile and only the collector could free."""
    flags, found = gc.get_debug(), list[str]()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += [f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage]
    finally:
        gc.garbage.clear()
        gc.set_debug(flags)
        gc.enable()


def of_clients(types: list[str]) -> list[str]:
    """Leave those types that make up a request."""
    return [name for name in types if name.startswith(OF_CLIENTS)]


@pytest.mark.parametrize("fault", ["none", *FAULTS])
async def test_request_is_freed_as_it_ends(fault: str) -> None:
    """However a request ends, nothing of it holds itself."""
    server = EmbeddedCoder(population=Population(seed=1, users=20, templates=3))
    if fault != "none":
        server.fail(fault)
    with serve(server) as url:
        settings = deployment(url, timeout="300ms", max_response_bytes=1 << 20)
        async with client(settings) as one:
            with collected() as left:
                for path in PATHS:
                    with suppress(RequestFailed):
                        await one.exchange.get(path, {}, one.errand())

    assert len(PATHS) == len(one.notes.failures)
    assert [] == of_clients(left)
