"""What clients may cost, and the connections that there are."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What a client may send, hold and wait for; times in seconds."""

    start_line_bytes: int = 16 * 1024
    head_bytes: int = 32 * 1024
    """Start line and headers of a request together."""
    headers: int = 100
    body_bytes: int = 1024
    head_seconds: float = 10.0
    """Time for a whole head to arrive, and for a TLS handshake before it."""
    response_seconds: float = 30.0
    """Time from the head of a request until its client has read the response."""
    idle_seconds: float = 90.0
    """Time between two requests."""
    linger_seconds: float = 1.0
    """Time that a refused client may go on sending before its connection is closed."""
    linger_bytes: int = 1024 * 1024
    """Bytes that it may send in this time."""
    connections: int = 512
    """Connections, handshakes included."""
    grace_seconds: float = 3.0
    """Time for running responses when the server ends."""


DEFAULT_LIMITS = ServerLimits()


class Closable(Protocol):
    """A connection, or a handshake that becomes one."""

    def abort(self) -> None:
        """Close at once."""

    def shutdown(self) -> None:
        """Close after the response that is under way."""


@dataclass(slots=True, eq=False)
class ConnectionTracker:
    """All connections of a server; those that wait for a request are closed for newer ones, oldest first."""

    limits: ServerLimits = DEFAULT_LIMITS
    open: set[Closable] = field(default_factory=set)
    waiting: dict[Closable, None] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Requests that are being served."""
    _all_closed: asyncio.Event = field(default_factory=asyncio.Event)
    ending: bool = False
    """The server ends: connections are closed after their response."""

    def wait(self, connection: Closable) -> None:
        """Record that a connection waits for a request, and close the oldest if there are too many."""
        self.open.add(connection)
        self.waiting.pop(connection, None)
        self.waiting[connection] = None
        if len(self.open) > self.limits.connections:
            oldest = next(iter(self.waiting))
            self.forget(oldest)
            oldest.abort()

    def serve(self, connection: Closable) -> None:
        """Record that a connection waits no more."""
        self.waiting.pop(connection, None)

    def forget(self, connection: Closable) -> None:
        """Record that a connection is closed."""
        self.waiting.pop(connection, None)
        self.open.discard(connection)
        if not self.open:
            self._all_closed.set()

    async def closed(self) -> None:
        """Wait until there is no connection."""
        while self.open:
            self._all_closed.clear()
            await self._all_closed.wait()
