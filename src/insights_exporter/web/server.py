"""The HTTP server: listening sockets, accepted connections, TLS handshakes, graceful stop."""

import asyncio
import contextlib
import errno
import math
import os
import re
import socket
import ssl
import sys
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from starlette.types import ASGIApp

from insights_exporter.runtime import trim_heap
from insights_exporter.web.connection import Connection, parse_address
from insights_exporter.web.limits import DEFAULT_LIMITS, ConnectionTracker, ServerLimits
from insights_exporter.web.request import Header
from insights_exporter.web.response import render_refusal

_BACKLOG = 512
_RECEIVE_BYTES = 8 * 1024
"""Bytes that the kernel may receive ahead for a connection."""
_MANY = 32
"""Number of ended connections after which memory that the C library would keep is returned."""
_ACCEPT_PAUSE = 1.0
"""Seconds to wait if no connection can be accepted."""
_CLIENT_ERRORS = {
    errno.ECONNABORTED,
    errno.EPROTO,
    errno.ENOPROTOOPT,
    errno.EOPNOTSUPP,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
}
"""Errors of `accept` that concern one client; all others last, and concern every client."""
_LEAST_SECONDS = 0.01
"""Time for the rest of a handshake whose first byte came late; 0 would be refused."""
_TLS_FIRST_BYTES = (0x16, 0x80)
"""First byte of a handshake: of TLS, and of SSL 2, which OpenSSL refuses with an alert."""
_PLAIN_HTTP = "This port speaks HTTPS: begin the address with https://"

_SYSTEMD_FIRST_FD = 3
_TCP = {socket.AF_INET, socket.AF_INET6}
_ADDRESS = re.compile(r"(\[(?P<bracketed>[^\[\]\s]+)\]|(?P<host>[^:\[\]\s/]*)):(?P<port>[0-9]{1,5})")
_MAX_PORT = 65535
_ALL_FAMILIES = {"", "::"}
_ALL_INTERFACES = {"::", "0.0.0.0"}  # noqa: S104 -- compared, not listened on


def listen(address: str) -> socket.socket:
    """Return a listening socket for `HOST:PORT`; `:PORT` and `[::]:PORT` are all interfaces, IPv4 and IPv6.

    Raises:
        OSError: The address cannot be used.
        ValueError: It is not of this form.
    """
    host, port = split_address(address)
    if host in _ALL_FAMILIES:
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        return socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=_BACKLOG)
    family, _, _, _, resolved = min(
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE),
        key=lambda info: info[0] != socket.AF_INET,
    )
    return socket.create_server(resolved, family=family, backlog=_BACKLOG)


def inherit_systemd_sockets(environ: Mapping[str, str]) -> list[socket.socket]:
    """Return the listening sockets that systemd passed to this process (sd_listen_fds(3)).

    Raises:
        ValueError: It passed none, or one that is not a listening TCP socket.
    """
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal() or not int(count):
        raise ValueError("systemd passed no sockets; start the exporter by a .socket unit")
    fds = range(_SYSTEMD_FIRST_FD, _SYSTEMD_FIRST_FD + int(count))
    sockets = [socket.socket(fileno=fd) for fd in fds]
    for each in sockets:
        each.set_inheritable(False)
        if each.family not in _TCP or not each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ValueError(
                "systemd passed a socket that does not listen for TCP; use ListenStream=PORT and Accept=no"
            )
    return sockets


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[HOST]:PORT` or `:PORT`.

    Raises:
        ValueError: It is not of this form.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > _MAX_PORT:
        example = "for example :12112 or [::1]:12112"
        raise ValueError(f"{address!r} is not an address; write it as HOST:PORT, {example}")
    return match["bracketed"] or match["host"] or "", int(match["port"])


def format_address(listener: socket.socket) -> str:
    """Return an address at which this machine reaches the listener, as `HOST:PORT`."""
    host, port = listener.getsockname()[:2]
    if host in _ALL_INTERFACES:
        host = "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Server:
    """Serves an ASGI application over HTTP/1.1, and over TLS if it has a context.

    `headers` returns those of all responses, which replace the application's own.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: ServerLimits = DEFAULT_LIMITS,
        context: ssl.SSLContext | None = None,
        headers: Callable[[], list[Header]] = list,
    ) -> None:
        self.tracker = ConnectionTracker(limits)
        self.is_started = False
        self._app = app
        self._context = context
        self._headers = headers
        self._stopped = asyncio.Event()

    async def serve(self, sockets: Iterable[socket.socket]) -> None:
        """Serve on listening sockets, which are closed at the end, until `stop` is called."""
        listeners = [await self._listen(each) for each in sockets]
        returning = asyncio.create_task(self._return_memory())
        self.is_started = True
        try:
            await self._stopped.wait()
        finally:
            returning.cancel()
            for listener in listeners:
                listener.close()
            await self._end_connections()

    def stop(self) -> None:
        """Stop after the running responses, or after a short time."""
        self._stopped.set()

    async def _listen(self, listener: socket.socket) -> "asyncio.Server | TLSListener":
        def connect() -> Connection:
            return Connection(self._app, self.tracker, self._headers)

        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        if sys.platform == "linux":  # the kernel keeps what is unread, even after the connection is closed
            milliseconds = round(1000 * self.tracker.limits.response_seconds)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        if self._context is None:
            loop = asyncio.get_running_loop()
            return await loop.create_server(connect, sock=listener, backlog=_BACKLOG)
        return TLSListener(listener, self._context, self.tracker, connect, self._headers)

    async def _return_memory(self) -> None:
        """Return free memory to the system after many connections have ended."""
        tracker = self.tracker
        while True:
            await asyncio.sleep(tracker.limits.memory_seconds)
            if tracker.peak - tracker.count >= _MANY:
                tracker.peak = tracker.count
                await asyncio.to_thread(trim_heap)

    async def _end_connections(self) -> None:
        tracker = self.tracker
        tracker.is_stopping = True
        for connection in tracker.connections:
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(tracker.limits.grace_seconds):
                await tracker.wait_closed()
        for connection in tracker.connections:
            connection.abort()
        await asyncio.gather(*tracker.tasks, return_exceptions=True)


class _Handshake:
    """A client until the end of its handshake."""

    accepted = None

    def __init__(self, client: socket.socket, address: object) -> None:
        self.remote_address = parse_address(address)
        self._client = client

    def abort(self) -> None:
        """Close at once; the event loop then ends the handshake."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    shutdown = abort

    def measure_reading_rate(self) -> float:
        """Return infinity: nothing is sent yet."""
        return math.inf


class TLSListener:
    """Accepts clients and performs the TLS handshake, as part of the tracked connections.

    `loop.create_server` would show a client only after its handshake, so that
    it could be neither counted nor closed for a newer one before.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        tracker: ConnectionTracker,
        connect: Callable[[], Connection],
        headers: Callable[[], list[Header]],
    ) -> None:
        listener.settimeout(0)
        self._listener = listener
        self._context = context
        self._tracker = tracker
        self._connect = connect
        self._headers = headers
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept())

    def close(self) -> None:
        """Accept no more clients, and cancel the handshakes."""
        for task in (self._accepting, *self._handshakes):
            task.cancel()
        self._listener.close()

    async def _accept(self) -> None:
        while True:
            try:
                client, address = await asyncio.get_running_loop().sock_accept(self._listener)
            except OSError as error:
                await asyncio.sleep(0 if error.errno in _CLIENT_ERRORS else _ACCEPT_PAUSE)
                continue
            task = asyncio.create_task(self._connect_client(client, address))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _connect_client(self, client: socket.socket, address: object) -> None:
        handshake, limits = _Handshake(client, address), self._tracker.limits
        deadline = asyncio.get_running_loop().time() + limits.head_seconds
        self._tracker.set_waiting(handshake)
        try:
            client.settimeout(0)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout_at(deadline):
                await _wait_readable(client)
            first_byte = client.recv(1, socket.MSG_PEEK)
            if first_byte and first_byte[0] not in _TLS_FIRST_BYTES:
                client.recv(limits.head_bytes)  # unread bytes would reset the connection
                client.send(render_refusal(HTTPStatus.BAD_REQUEST, _PLAIN_HTTP, self._headers()))
                client.close()
            else:
                await self._perform_handshake(client, handshake, deadline)
        except OSError:  # the client failed or left; TLS has sent an alert if it could
            client.close()
        except BaseException:
            client.close()
            raise
        finally:
            self._tracker.remove(handshake)

    async def _perform_handshake(self, client: socket.socket, handshake: _Handshake, deadline: float) -> None:
        def connect() -> Connection:
            connection = self._connect()
            connection.on_connected = lambda: self._tracker.remove(handshake)
            return connection

        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(
            connect,
            client,
            ssl=self._context,
            ssl_handshake_timeout=max(deadline - loop.time(), _LEAST_SECONDS),
            ssl_shutdown_timeout=self._tracker.limits.linger_seconds,
        )


async def _wait_readable(client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(client, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(client)
