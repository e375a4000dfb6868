"""The HTTP server: uvicorn on a socket of ours, ended by whoever runs it."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from insights_exporter.web.arrival import TlsListener
from insights_exporter.web.connection import USUAL_BOUNDS, Bounds, Connection, Door

_BACKLOG = 512
_GRACE = 3


class Server(uvicorn.Server):
    """A uvicorn that leaves the signals to the program that it is a part of, and bounds handshakes too."""

    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        super().__init__(config)
        self._door = door

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on `sockets`."""
        context = self.config.ssl
        if context is None:
            await super().startup(sockets)
            return
        speaker = partial(
            cast("Callable[..., Connection]", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        listeners = [TlsListener(each, context, self._door, speaker) for each in sockets or ()]
        self.servers = cast("list[asyncio.Server]", listeners)
        self.started = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def make_server(app: ASGIApp, bounds: Bounds = USUAL_BOUNDS) -> Server:
    """Make a server for `app`; `serve(sockets=[...])` runs it until `should_exit` is set."""
    door = Door(bounds)
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(Connection, door)),
        loop="none",
        lifespan="off",
        ws="none",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
        backlog=_BACKLOG,
    )
    return Server(config, door)
