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


def listen(address: str) -> socket.socket:
    """Open the listening socket for `HOST:PORT`; without a host it takes all interfaces.

    Raises:
        OSError: the address cannot be had.
        ValueError: it is not of this form.
    """
    host, port = split_address(address)
    if host:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    return socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=_BACKLOG)


def split_address(address: str) -> tuple[str, int]:
    """Split `HOST:PORT`, `[HOST]:PORT` or `:PORT`.

    Raises:
        ValueError: it is not of this form.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{address!r} is not an address; write it as HOST:PORT, for example :12112")
    return host.removeprefix("[").removesuffix("]"), int(port)


def address_of(listener: socket.socket) -> str:
    """Give an address at which this machine reaches the listener, as `HOST:PORT`."""
    host, port = listener.getsockname()[:2]
    if host in {"::", "0.0.0.0"}:  # noqa: S104 -- compared, not listened on
        host = "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
