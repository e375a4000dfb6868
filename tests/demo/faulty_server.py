"""A server that can be made to fail, and its client."""

from contextlib import AbstractContextManager
from typing import NamedTuple

import httpx

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder

DAUS = "/insights/daus"


class Failing(NamedTuple):
    """A server and a client for it."""

    server: EmbeddedCoder
    client: httpx.Client

    def get(self, fault: str, *paths: str) -> httpx.Response:
        """Ask for the days while there is a fault, at paths or everywhere."""
        self.server.fail(fault, *paths)
        return self.client.get(DAUS)

    def mended(self) -> httpx.Response:
        """Ask for the days when all faults are gone."""
        self.server.clear_faults()
        return self.client.get(DAUS)

    def stream(self, fault: str) -> AbstractContextManager[httpx.Response]:
        """Ask for the days while there is a fault, to read them piece by piece."""
        self.server.fail(fault)
        return self.client.stream("GET", DAUS)


def client(url: str) -> httpx.Client:
    """Give a client that brings the token."""
    return httpx.Client(base_url=f"{url}/api/v2", headers={"Coder-Session-Token": DEMO_TOKEN})
