"""The HTTP server: listening sockets, accepted connections, graceful end."""

import asyncio
import contextlib
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from starlette.types import ASGIApp

from insights_exporter.runtime import trim_heap
from insights_exporter.web.connection import Connection
from insights_exporter.web.limits import DEFAULT_LIMITS, ConnectionTracker, ServerLimits
from insights_exporter.web.request import Header
from insights_exporter.web.response import Refuser
from insights_exporter.web.tls_listener import TlsListener

_FIRST_PASSED = 3
_TCP = {socket.AF_INET, socket.AF_INET6}
_BACKLOG = 512
_ADDRESS = re.compile(r"(\[(?P<bracketed>[^\[\]\s]+)\]|(?P<host>[^:\[\]\s/]*)):(?P<port>[0-9]{1,5})")
_LARGEST_PORT = 65535
_WILDCARDS = {"", "::"}
_ANY_INTERFACE = {"::", "0.0.0.0"}  # noqa: S104 -- compared, not listened on


def listen(address: str) -> socket.socket:
    """Return a listening socket for `HOST:PORT`; `:PORT` and `[::]:PORT` take all interfaces, IPv4 and IPv6.

    Raises:
        OSError: The address cannot be used.
        ValueError: It is not of this form.
    """
    host, port = split_address(address)
    if host in _WILDCARDS:
        return _listen_everywhere(port)
    family, _, _, _, resolved = min(
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE),
        key=lambda found: found[0] != socket.AF_INET,
    )
    return socket.create_server(resolved, family=family, backlog=_BACKLOG)


def _listen_everywhere(port: int) -> socket.socket:
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    return socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=_BACKLOG)


def passed_by_systemd(environ: Mapping[str, str]) -> list[socket.socket]:
    """Return the listening sockets that systemd passed to this process (sd_listen_fds(3)).

    Raises:
        ValueError: It passed none, or one that is not a listening TCP socket.
    """
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal() or not int(count):
        raise ValueError("systemd passed no sockets; start the exporter by a .socket unit")
    sockets = [socket.socket(fileno=number) for number in range(_FIRST_PASSED, _FIRST_PASSED + int(count))]
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
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found["port"]) > _LARGEST_PORT:
        example = "for example :12112 or [::1]:12112"
        raise ValueError(f"{address!r} is not an address; write it as HOST:PORT, {example}")
    return found["bracketed"] or found["host"] or "", int(found["port"])


def address_of(listener: socket.socket) -> str:
    """Return an address at which this machine reaches the listener, as `HOST:PORT`."""
    host, port = listener.getsockname()[:2]
    if host in _ANY_INTERFACE:
        host = "localhost"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


_RECEIVE_BYTES = 8 * 1024
"""What the kernel may receive ahead for a connection, and TLS take in at once."""

_MANY = 32
"""After so many connections have ended, memory that the C library would keep is returned."""


class _Listener(Protocol):
    def close(self) -> None:
        """Accept no more clients."""


class Server:
    """Serves an ASGI application over HTTP/1.1, and over TLS if it has a context.

    `headers` returns those of responses that the application has no part in.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: ServerLimits = DEFAULT_LIMITS,
        context: ssl.SSLContext | None = None,
        headers: Callable[[], list[Header]] = list,
    ) -> None:
        self.tracker = ConnectionTracker(limits)
        self.started = False
        self._app = app
        self._context = context
        self._refuser = Refuser(headers)
        self._stopped = asyncio.Event()

    async def serve(self, sockets: Iterable[socket.socket]) -> None:
        """Serve on listening sockets, which are closed at the end, until `stop` is called."""
        listeners = [await self._listen(each) for each in sockets]
        returning = asyncio.create_task(self._return_memory())
        self.started = True
        try:
            await self._stopped.wait()
        finally:
            returning.cancel()
            for listener in listeners:
                listener.close()
            await self._end_connections()

    def stop(self) -> None:
        """End after the responses that are under way, or after a short time."""
        self._stopped.set()

    async def _listen(self, listener: socket.socket) -> _Listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        if self._context is None:
            return await asyncio.get_running_loop().create_server(
                self._connection, sock=listener, backlog=_BACKLOG
            )
        return TlsListener(listener, self._context, self.tracker, self._connection, self._refuser)

    def _connection(self) -> Connection:
        return Connection(self._app, self.tracker, self._refuser)

    async def _return_memory(self) -> None:
        """Return free memory to the system after many connections have ended."""
        tracker = self.tracker
        while True:
            await asyncio.sleep(tracker.limits.memory_seconds)
            if tracker.most - tracker.count >= _MANY:
                tracker.most = tracker.count
                await asyncio.to_thread(trim_heap)

    async def _end_connections(self) -> None:
        tracker = self.tracker
        tracker.ending = True
        for connection in tracker.open:
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(tracker.limits.grace_seconds):
                await tracker.closed()
        for connection in tracker.open:
            connection.abort()
        await asyncio.gather(*tracker.tasks, return_exceptions=True)
