"""What the tests of the embedded Coder share."""

from collections.abc import Iterator

import pytest

from insights_exporter.demo import EmbeddedCoder, serve
from tests.demo.client import coder
from tests.demo.faulty_server import Failing, client


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[EmbeddedCoder, str]]:
    """Give a server that runs while a file is tried, and its URL."""
    server = coder()
    with serve(server) as url:
        yield server, url


@pytest.fixture
def failing(running: tuple[EmbeddedCoder, str]) -> Iterator[Failing]:
    """Give a server that can be made to fail, and a client for it; mended afterwards."""
    server, url = running
    with client(url) as asking:
        yield Failing(server, asking)
    server.clear_faults()
