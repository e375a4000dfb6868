"""Deployments as a config defines them, and a client for one."""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from insights_exporter.coder.client import CoderClient, RequestOptions, SharedTransport
from insights_exporter.coder.clock import ServerClock
from insights_exporter.coder.errors import ApiError
from insights_exporter.config.models import Deployment
from insights_exporter.config.proxies import read_proxies
from insights_exporter.demo.embedded_coder import DEMO_TOKEN

PLAIN = ssl.create_default_context()


def deployment(url: str, **config: object) -> Deployment:
    """Return a deployment at `url` with some config."""
    return Deployment.model_validate({"url": url, "token": DEMO_TOKEN, **config})


@dataclass(slots=True)
class RequestLog:
    """Records requests."""

    seconds: list[float] = field(default_factory=list)
    failures: list[ApiError | None] = field(default_factory=list)
    remaining: list[float | None] = field(default_factory=list)

    def record_request(self, seconds: float, failure: ApiError | None, remaining: float | None) -> None:
        """Record a request."""
        self.seconds.append(seconds)
        self.failures.append(failure)
        self.remaining.append(remaining)


@dataclass(slots=True)
class Client:
    """A client and what it works with."""

    coder: CoderClient
    clock: ServerClock
    log: RequestLog

    def options(self, deadline: float = float("inf")) -> RequestOptions:
        """Return options of requests that `log` records."""
        return RequestOptions(self.log.record_request, deadline, missing_route="not_found")


@asynccontextmanager
async def client(
    config: Deployment,
    token: Callable[[], str] = lambda: DEMO_TOKEN,
    transport: httpx.AsyncBaseTransport | None = None,
    environ: Mapping[str, str] | None = None,
    tls: ssl.SSLContext = PLAIN,
) -> AsyncIterator[Client]:
    """Yield a client of the deployment; its connections are closed at the end."""
    clock = ServerClock(time.time, time.monotonic)
    shared = SharedTransport(transport, read_proxies(environ or {}))
    coder = CoderClient(config, token, tls, clock, shared)
    try:
        yield Client(coder, clock, RequestLog())
    finally:
        await coder.close()
