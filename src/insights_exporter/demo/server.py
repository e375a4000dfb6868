"""The embedded Coder as an HTTP server, one or many behind one port."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from socket import create_server, socket
from threading import Event, Thread

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from insights_exporter.demo.embedded_coder import EmbeddedCoder
from insights_exporter.demo.error_responses import NO_ROUTE
from insights_exporter.demo.fault_responses import TRANSPORT
from insights_exporter.demo.faults import Certificate

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
HOST = "127.0.0.1"
BACKLOG = 1024
GRACE_SECONDS = 1
IDLE_SECONDS = 120
"""Longer than clients keep a connection, as with Go's server: none is closed just when it is used again."""

Servable = EmbeddedCoder | Mapping[str, EmbeddedCoder]
"""One server, or many by the first part of their path: `/{name}/api/v2/...`."""


def create_app(coder: EmbeddedCoder) -> Starlette:
    """Return the ASGI application of one server."""

    async def respond(request: Request) -> Response:
        return _respond(coder, request, request.url.path)

    return Starlette(routes=[Route("/{path:path}", respond, methods=METHODS)])


def create_shared_app(coders: Mapping[str, EmbeddedCoder]) -> Starlette:
    """Return one ASGI application of many servers."""

    async def respond(request: Request) -> Response:
        coder = coders.get(request.path_params["name"])
        if coder is None:
            return Response(str(NO_ROUTE.body), NO_ROUTE.status)
        return _respond(coder, request, f"/{request.path_params['path']}")

    return Starlette(routes=[Route("/{name}/{path:path}", respond, methods=METHODS)])


def _respond(coder: EmbeddedCoder, request: Request, path: str) -> Response:
    query = request.scope["query_string"].decode("latin-1")
    result = coder.response(request.method, path, query, request.headers)
    response = Response(result.body, result.status, dict(result.headers))
    found = coder.faults.at(path)
    if found is None:
        return response
    name, fault = found
    response = fault.effect(response)
    coder.requests[-1] = replace(coder.requests[-1], status=response.status_code, fault=name)
    return response


class _Protocol(HttpToolsProtocol):
    """Passes its transport to the application, for faults below HTTP."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """A server whose listener can be closed and opened, and whose certificate can be replaced."""

    def __init__(self, app: ASGIApp, certificate: Certificate | None) -> None:
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
                timeout_graceful_shutdown=GRACE_SECONDS,
                timeout_keep_alive=IDLE_SECONDS,
            )
        )
        self.is_listening = Event()
        self.port = 0
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.port = self.servers[0].sockets[0].getsockname()[1]
        self.is_listening.set()

    async def main_loop(self) -> None:
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._close_connections()
        await super().shutdown(sockets)

    def open(self) -> None:
        """Listen again, on the same port."""
        self._run(super().startup([create_server((HOST, self.port), backlog=BACKLOG)]))

    def close(self) -> None:
        """Stop listening and close all connections."""

        async def close() -> None:
            for server in self.servers:
                server.close()
            self._close_connections()

        self._run(close())

    def set_certificate(self, certificate: Certificate) -> None:
        """Use another certificate for new connections, and close the others."""

        async def set_certificate() -> None:
            if self.config.ssl:
                self.config.ssl.load_cert_chain(certificate.chain, certificate.key)
            self._close_connections()

        self._run(set_certificate())

    def stop(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    def _run(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _close_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


@contextmanager
def serve(coder: Servable, port: int = 0, certificate: Certificate | None = None) -> Iterator[str]:
    """Serve on 127.0.0.1 within the block; yields the URL once it is ready for requests.

    A port of 0 is any free one; a certificate makes it HTTPS. If many servers share the port, the
    fault `refused` resets the connections of its server instead of closing the port.

    Raises:
        OSError: The port is in use.
    """
    app = create_app(coder) if isinstance(coder, EmbeddedCoder) else create_shared_app(coder)
    server = _Server(app, certificate)
    with create_server((HOST, port), backlog=BACKLOG) as listener:
        url = f"{'https' if certificate else 'http'}://{HOST}:{listener.getsockname()[1]}"
        thread = Thread(target=server.run, args=([listener],), name="embedded Coder", daemon=True)
        thread.start()
        server.is_listening.wait()
        try:
            with _registered(coder, server):
                yield url
        finally:
            server.stop()
            thread.join()


@contextmanager
def _registered(coder: Servable, server: _Server) -> Iterator[None]:
    """Let the faults of a server open and close its listener."""
    if not isinstance(coder, EmbeddedCoder):
        yield
        return
    coder.faults.listeners.append(server)
    if coder.faults.is_closed:
        server.close()
    try:
        yield
    finally:
        coder.faults.listeners.remove(server)


@asynccontextmanager
async def serving(
    coder: Servable, port: int = 0, certificate: Certificate | None = None
) -> AsyncIterator[str]:
    """Serve as `serve` does, without blocking the event loop of the caller."""
    context = serve(coder, port, certificate)
    url = await asyncio.to_thread(context.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
