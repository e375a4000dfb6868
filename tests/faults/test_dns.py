"""A server whose name cannot be looked up any more: a fault of the network that no server can have itself."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from insights_exporter.coder.client import SharedTransport
from insights_exporter.demo import EmbeddedCoder, serve
from tests.coder.deployments import deployment
from tests.faults.config import HASTY
from tests.integration.waiting import eventually_async
from tests.polling.polled_deployment import PolledDeployment, create_small_coder, run_poller

NAME = "coder.invalid"
ANYWHERE = "127.0.0.1"
DATA = "coder_insights_active_users"
MAX_AGE = 6


@dataclass(slots=True)
class Resolver:
    """Resolves names as the system does, and one more name while `works` is set."""

    works: bool = True
    lookups: int = 0
    system: Any = field(default=socket.getaddrinfo)

    def __call__(self, host: str | bytes, *more: Any, **named: Any) -> Any:  # noqa: ANN401 -- as the system's
        """Resolve a name."""
        if host not in {NAME, NAME.encode()}:
            return self.system(host, *more, **named)
        self.lookups += 1
        if not self.works:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self.system(ANYWHERE, *more, **named)


@asynccontextmanager
async def poll_by_name(coder: EmbeddedCoder) -> AsyncIterator[PolledDeployment]:
    """Poll a server over the network, by its name, every few seconds."""
    with serve(coder) as url:
        config = HASTY | {"max_age": f"{MAX_AGE}s"}
        configured = deployment(url.replace(ANYWHERE, NAME), name="dev", **config)
        async with run_poller(configured, SharedTransport()) as polled:
            yield polled


async def test_name_that_temporarily_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last good data is served until max_age, and again once the name resolves."""
    resolver, coder = Resolver(), create_small_coder(rate_limit=-1)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)

    async with poll_by_name(coder) as polled:
        poll = polled.job("templates", "today").status
        await eventually_async(lambda: DATA in polled.page())

        resolver.works = False
        coder.fail("reset")  # connections that are open need no name
        await eventually_async(lambda: poll.failure and "name resolution" in poll.failure.detail)
        coder.clear_faults()
        requests, lookups = len(coder.requests), resolver.lookups
        served_while_failing = DATA in polled.page()
        reason = poll.failure.reason if poll.failure else ""
        await eventually_async(lambda: DATA not in polled.page())
        requests_meanwhile = (len(coder.requests) - requests, resolver.lookups > lookups)

        resolver.works = True
        await eventually_async(lambda: DATA in polled.page() and poll.success)

    assert "connection" == reason
    assert served_while_failing
    assert (0, True) == requests_meanwhile
