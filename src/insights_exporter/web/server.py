"""The HTTP server: connections on listening sockets, until `stop` is called."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable
from typing import Protocol

from starlette.types import ASGIApp

from insights_exporter.polling.memory import give_back
from insights_exporter.web.connection import Connection
from insights_exporter.web.limits import DEFAULT_LIMITS, ConnectionTracker, ServerLimits
from insights_exporter.web.request import Header
from insights_exporter.web.response import Refuser
from insights_exporter.web.tls_listener import TlsListener

_BACKLOG = 512
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
                await asyncio.to_thread(give_back)

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
