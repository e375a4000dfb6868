"""Deployments as the settings would give them, and a client for one."""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from insights_exporter.coder.client import Coder, Errand, Exchange, Outlet
from insights_exporter.coder.clock import ServerClock
from insights_exporter.coder.errors import RequestFailed
from insights_exporter.config.models import Deployment
from insights_exporter.config.proxies import read_proxies
from insights_exporter.demo.embedded_coder import DEMO_TOKEN

PLAIN = ssl.create_default_context()


def deployment(url: str, **settings: object) -> Deployment:
    """Give a deployment at `url` with some settings."""
    return Deployment.model_validate({"url": url, "token": DEMO_TOKEN, **settings})


@dataclass(slots=True)
class Notes:
    """Takes note of requests."""

    seconds: list[float] = field(default_factory=list)
    failures: list[RequestFailed | None] = field(default_factory=list)
    remaining: list[float | None] = field(default_factory=list)

    def request_ended(self, seconds: float, failure: RequestFailed | None, remaining: float | None) -> None:
        """Take note of a request."""
        self.seconds.append(seconds)
        self.failures.append(failure)
        self.remaining.append(remaining)


@dataclass(slots=True)
class Client:
    """A client and what it works with."""

    coder: Coder
    exchange: Exchange
    clock: ServerClock
    notes: Notes

    def errand(self, deadline: float = float("inf"), priority: int = 0) -> Errand:
        """Give an errand that this client takes note of."""
        return Errand(self.notes, deadline, priority)


@asynccontextmanager
async def client(
    settings: Deployment,
    token: Callable[[], str] = lambda: DEMO_TOKEN,
    transport: httpx.AsyncBaseTransport | None = None,
    environ: Mapping[str, str] | None = None,
    tls: ssl.SSLContext = PLAIN,
) -> AsyncIterator[Client]:
    """Give a client of the deployment; its connections are closed at the end."""
    clock = ServerClock(time.time, time.monotonic)
    exchange = Exchange(settings, token, tls, clock, Outlet(transport, read_proxies(environ or {})))
    dialect = None if settings.dialect == "auto" else settings.dialect
    try:
        yield Client(Coder(exchange, dialect), exchange, clock, Notes())
    finally:
        await exchange.close()
