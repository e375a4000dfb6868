"""The embedded Coder as an HTTP server, one or many behind one port."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socket import create_server, socket
from threading import Event, Thread
from typing import NamedTuple

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from insights_exporter.demo.embedded_coder import EmbeddedCoder
from insights_exporter.demo.error_responses import NO_ROUTE
from insights_exporter.demo.faults import TRANSPORT

HOST = "127.0.0.1"
BACKLOG = 1024
GRACE_SECONDS = 1
IDLE_SECONDS = 120
"""Longer than clients keep a connection, as with Go's server: none is closed just when it is used again."""


class Certificate(NamedTuple):
    """The files of a certificate: its chain and its key, both PEM."""

    chain: Path
    key: Path


Servable = EmbeddedCoder | Mapping[str, EmbeddedCoder]
"""One server, or many by the first part of their path: `/{name}/api/v2/...`."""


def create_app(coder: Servable) -> ASGIApp:
    """Return the ASGI application of one server or many."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = _build_response(coder, scope["path"], Request(scope))
        await response(scope, receive, send)

    return app


def _build_response(coder: Servable, path: str, request: Request) -> Response:
    if isinstance(coder, EmbeddedCoder):
        query = request.scope["query_string"].decode("latin-1")
        return coder.respond(request.method, path, query, request.headers)
    name, _, rest = path.removeprefix("/").partition("/")
    if name not in coder:
        return Response(str(NO_ROUTE.body), NO_ROUTE.status)
    return _build_response(coder[name], f"/{rest}", request)


class _Protocol(HttpToolsProtocol):
    """Passes its transport to the application, for faults below HTTP."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """A server whose listener can be closed and opened, which then reads its certificate again."""

    def __init__(self, app: ASGIApp, port: int, certificate: Certificate | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws="none",
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
                lifespan="off",
                ssl_certfile=certificate and certificate.chain,
                ssl_keyfile=certificate and certificate.key,
                timeout_keep_alive=IDLE_SECONDS,
            )
        )
        self.is_listening = Event()
        self._port = port
        self._certificate = certificate
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.is_listening.set()

    async def main_loop(self) -> None:
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:  # noqa: ARG002 - closed by `_close`
        # The base class waits 0.1 s even if there is nothing to wait for.
        await self._close()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=GRACE_SECONDS)

    def set_listening(self, listening: bool) -> None:  # noqa: FBT001 - it is all that is said
        """Listen on the same port, or stop listening and close all connections."""
        if listening != self.is_listening.is_set():
            self._run(self._open() if listening else self._close())

    async def _open(self) -> None:
        if self.config.ssl and self._certificate:
            self.config.ssl.load_cert_chain(*self._certificate)
        await self.startup([create_server((HOST, self._port), backlog=BACKLOG)])

    async def _close(self) -> None:
        self.is_listening.clear()
        for server in self.servers:
            server.close()
        await asyncio.sleep(0)  # connections that were just accepted are announced first
        while connections := list(self.server_state.connections):
            for connection in connections:
                connection.transport.abort()
            await asyncio.sleep(0)  # each leaves the set once it is closed

    def stop(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    def _run(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def serve(coder: Servable, port: int = 0, certificate: Certificate | None = None) -> Iterator[str]:
    """Serve on 127.0.0.1 within the block; yields the URL once it is ready for requests.

    A port of 0 is any free one; a certificate makes it HTTPS. If many servers share the port, the
    fault `refused` resets the connections of its server instead of closing the port.

    Raises:
        OSError: The port is in use.
    """
    with create_server((HOST, port), backlog=BACKLOG) as listener:
        port = listener.getsockname()[1]
        server = _Server(create_app(coder), port, certificate)
        thread = Thread(target=server.run, args=([listener],), name="embedded Coder", daemon=True)
        thread.start()
        server.is_listening.wait()
        listeners = coder.listeners if isinstance(coder, EmbeddedCoder) else []
        listeners.append(server.set_listening)
        try:
            if isinstance(coder, EmbeddedCoder):
                server.set_listening(not coder.is_closed)
            yield f"{'https' if certificate else 'http'}://{HOST}:{port}"
        finally:
            listeners.remove(server.set_listening)
            server.stop()
            thread.join()
