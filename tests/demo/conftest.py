"""Fixtures of the tests of the embedded Coder."""

from collections.abc import Iterator

import pytest

from insights_exporter.demo import EmbeddedCoder, serve
from tests.demo.client import coder
from tests.demo.faulty_server import FaultyServer, client


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[EmbeddedCoder, str]]:
    """Return a running server and its URL."""
    server = coder()
    with serve(server) as url:
        yield server, url


@pytest.fixture(scope="module")
def faulty(running: tuple[EmbeddedCoder, str]) -> Iterator[FaultyServer]:
    """Return a server that can fail and its client."""
    server, url = running
    with client(url) as http:
        yield FaultyServer(server, http)


@pytest.fixture
def failing(faulty: FaultyServer) -> Iterator[FaultyServer]:
    """Return a server that can fail and its client; faults are cleared afterwards."""
    yield faulty
    faulty.server.clear_faults()
