"""A server that can fail, and its client."""

from contextlib import AbstractContextManager
from typing import NamedTuple

import httpx

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder

DAUS = "/insights/daus"


class FaultyServer(NamedTuple):
    """A server and a client for it."""

    server: EmbeddedCoder
    client: httpx.Client

    def get(self, fault: str, *paths: str) -> httpx.Response:
        """Request the days during a fault, at paths or everywhere."""
        self.server.fail(fault, *paths)
        return self.client.get(DAUS)

    def get_cleared(self) -> httpx.Response:
        """Request the days after all faults are cleared."""
        self.server.clear_faults()
        return self.client.get(DAUS)

    def stream(self, fault: str) -> AbstractContextManager[httpx.Response]:
        """Request the days during a fault as a stream."""
        self.server.fail(fault)
        return self.client.stream("GET", DAUS)


def client(url: str) -> httpx.Client:
    """Return a client with the token."""
    return httpx.Client(base_url=f"{url}/api/v2", headers={"Coder-Session-Token": DEMO_TOKEN})
