"""A real server behind a web config file, and clients of all kinds."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import trustme
import uvloop
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from insights_exporter.web.server import Server
from insights_exporter.web.webconfig.auth import BasicAuthMiddleware
from insights_exporter.web.webconfig.loader import ReloadingConfig, create_listening_context
from tests.integration.waiting import eventually_async

METRICS = "# HELP test_metric A metric.\n# TYPE test_metric gauge\ntest_metric 42\n"


async def metrics_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond to each request with one metric."""
    await PlainTextResponse(METRICS)(scope, receive, send)


@dataclass(slots=True)
class Clock:
    """A clock that the test sets."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass(frozen=True, slots=True)
class ServedApp:
    """A running server: its port, its config and its clock."""

    port: int
    config: ReloadingConfig
    clock: Clock

    def url(self, scheme: str = "https") -> str:
        """Return its address."""
        return f"{scheme}://localhost:{self.port}"


@contextmanager
def serving(file: Path, app: ASGIApp = metrics_app) -> Iterator[ServedApp]:
    """Serve `app` behind the web config file within the block, in another thread."""
    clock = Clock()
    config = ReloadingConfig(file, clock)
    started: Future[tuple[Server, asyncio.AbstractEventLoop]] = Future()

    async def run(listener: socket.socket) -> None:
        guard = BasicAuthMiddleware(app, config, clock)
        server = Server(guard, context=create_listening_context(config), headers=guard.build_headers)
        task = asyncio.create_task(server.serve([listener]))
        await eventually_async(lambda: server.is_started)
        started.set_result((server, asyncio.get_running_loop()))
        await task

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=uvloop.run, args=(run(listener),))
        thread.start()
        server, loop = started.result(timeout=20)
        try:
            yield ServedApp(port, config, clock)
        finally:
            loop.call_soon_threadsafe(server.stop)
            thread.join()


def client_context(
    server: trustme.CA,
    certificate: trustme.LeafCert | None = None,
    *,
    versions: tuple[ssl.TLSVersion, ssl.TLSVersion] | None = None,
    suites: str = "",
    curve: str = "",
) -> ssl.SSLContext:
    """Return an SSL context that trusts `server` and sends `certificate`."""
    context = ssl.create_default_context()
    server.configure_trust(context)
    if certificate:
        certificate.configure_cert(context)
    if versions:
        context.minimum_version, context.maximum_version = versions
    if suites:
        context.set_ciphers(suites)
    if curve:
        context.set_ecdh_curve(curve)
    return context


@dataclass(frozen=True, slots=True)
class ConnectionResult:
    """The result of a connection: the reason for its refusal, or version, suite and response."""

    refused: str = ""
    version: str | None = None
    suite: str | None = None
    response: str = ""


def connect(port: int, context: ssl.SSLContext, name: str | None = "localhost") -> ConnectionResult:
    """Connect and request `/`; a refusal is named by its TLS alert."""
    context.check_hostname = name is not None
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            response = connection.recv(12).decode()
            suite = connection.cipher()
            return ConnectionResult(
                "" if response else "closed", connection.version(), suite and suite[0], response
            )
    except ssl.SSLError as error:
        return ConnectionResult(refused=error.reason or "closed")
    except ConnectionError:
        return ConnectionResult(refused="closed")


class RequestResult(NamedTuple):
    """One request over one connection: its session, whether it was resumed, and the start of the response."""

    session: ssl.SSLSession | None
    resumed: bool
    response: str


def send_request(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> RequestResult:
    """Send one request, resuming `session` if there is one."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost", session=session) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        response = ""
        with contextlib.suppress(OSError):
            response = connection.recv(12).decode()
            connection.unwrap()  # otherwise the server discards the session
        return RequestResult(connection.session, bool(connection.session_reused), response)
