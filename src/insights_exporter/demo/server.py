"""The embedded Coder as an ASGI application, one or many behind one port."""

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


def make_app(coder: EmbeddedCoder) -> Starlette:
    """Give the application of one server."""

    async def respond(request: Request) -> Response:
        return _respond(coder, request, request.url.path)

    return Starlette(routes=[Route("/{path:path}", respond, methods=METHODS)])


def make_many(coders: Mapping[str, EmbeddedCoder]) -> Starlette:
    """Give one application for many servers, each below its own name: `/{name}/api/v2/...`."""

    async def respond(request: Request) -> Response:
        coder = coders.get(request.path_params["name"])
        if coder is None:
            return Response(str(NO_ROUTE.body), NO_ROUTE.status)
        return _respond(coder, request, f"/{request.path_params['path']}")

    return Starlette(routes=[Route("/{name}/{path:path}", respond, methods=METHODS)])


def _respond(coder: EmbeddedCoder, request: Request, path: str) -> Response:
    query = request.scope["query_string"].decode("latin-1")
    answer = coder.response(request.method, path, query, request.headers)
    response = Response(answer.body, answer.status, dict(answer.headers))
    failing = coder.failing.at(path)
    if failing is None:
        return response
    name, fault = failing
    response = fault.act(response)
    coder.requests[-1] = replace(coder.requests[-1], status=response.status_code, fault=name)
    return response


HOST = "127.0.0.1"
BACKLOG = 1024
SECONDS_TO_FINISH = 1
SECONDS_IDLE = 120
"""Longer than clients keep a connection, as with Go's server: none is closed just when it is used again."""
Servable = EmbeddedCoder | Mapping[str, EmbeddedCoder]
"""One server, or many by the first part of their path."""


class _Protocol(HttpToolsProtocol):
    """Hands its transport to the application, for faults below HTTP."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """Tells when it listens; is a door that can be closed, opened and shown another certificate at."""

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
                timeout_graceful_shutdown=SECONDS_TO_FINISH,
                timeout_keep_alive=SECONDS_IDLE,
            )
        )
        self.listens = Event()
        self.port = 0
        self._leaving = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.port = self.servers[0].sockets[0].getsockname()[1]
        self.listens.set()

    async def main_loop(self) -> None:
        await self._leaving.wait()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._end_connections()
        await super().shutdown(sockets)

    def open(self) -> None:
        """Listen again."""
        self._do(self._open())

    def close(self) -> None:
        """Stop listening and end all connections."""
        self._do(self._close())

    def present(self, certificate: Certificate) -> None:
        """Show another certificate from now on."""
        self._do(self._present(certificate))

    def leave(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._leaving.set)

    def _do(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        await super().startup([create_server((HOST, self.port), backlog=BACKLOG)])

    async def _close(self) -> None:
        for server in self.servers:
            server.close()
        self._end_connections()

    async def _present(self, certificate: Certificate) -> None:
        if self.config.ssl:
            self.config.ssl.load_cert_chain(certificate.chain, certificate.key)
        self._end_connections()

    def _end_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


@contextmanager
def serve(coder: Servable, port: int = 0, certificate: Certificate | None = None) -> Iterator[str]:
    """Serve on 127.0.0.1 while the context lasts; gives the URL, ready for requests.

    A port of 0 is any free one; a certificate makes it HTTPS. Raises OSError
    when the port is taken. Where many servers share the port, the fault
    `refused` resets the connections of its server instead.
    """
    server = _Server(make_app(coder) if isinstance(coder, EmbeddedCoder) else make_many(coder), certificate)
    with create_server((HOST, port), backlog=BACKLOG) as listener:
        url = f"{'https' if certificate else 'http'}://{HOST}:{listener.getsockname()[1]}"
        thread = Thread(target=server.run, args=([listener],), name="embedded Coder", daemon=True)
        thread.start()
        server.listens.wait()
        try:
            with _at_the_door(coder, server):
                yield url
        finally:
            server.leave()
            thread.join()


@contextmanager
def _at_the_door(coder: Servable, server: _Server) -> Iterator[None]:
    if not isinstance(coder, EmbeddedCoder):
        yield
        return
    coder.failing.doors.append(server)
    if coder.failing.closed:
        server.close()
    try:
        yield
    finally:
        coder.failing.doors.remove(server)


@asynccontextmanager
async def serving(
    coder: Servable, port: int = 0, certificate: Certificate | None = None
) -> AsyncIterator[str]:
    """Serve as `serve` does, for a caller whose event loop must not wait."""
    context = serve(coder, port, certificate)
    url = await asyncio.to_thread(context.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
