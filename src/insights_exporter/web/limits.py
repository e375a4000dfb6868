"""What clients may cost, and the connections that there are."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from insights_exporter.web.places import Reader, drop_slowest


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What a client may send, hold and wait for; times in seconds."""

    start_line_bytes: int = 16 * 1024
    head_bytes: int = 32 * 1024
    """Start line and headers of a request together."""
    headers: int = 100
    query_parameters: int = 1000
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
    connections: int = 128
    """Connections, handshakes included; with TLS each one may hold 100 kB."""
    memory_seconds: float = 5.0
    """Time between two checks of whether many connections have ended."""
    grace_seconds: float = 3.0
    """Time for running responses when the server ends."""


DEFAULT_LIMITS = ServerLimits()


class Tracked(Reader, Protocol):
    """A connection, or a handshake that becomes one."""

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the client."""

    @property
    def accepted(self) -> bool | None:
        """Return whether any response had a status below 400; None before the first response."""

    def shutdown(self) -> None:
        """Close after the response that is under way."""


@dataclass(slots=True, eq=False)
class ConnectionTracker:
    """All connections of a server, within their number."""

    limits: ServerLimits = DEFAULT_LIMITS
    waiting: dict[Tracked, None] = field(default_factory=dict)
    """Those that wait for a request, longest first."""
    served: dict[Tracked, None] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Requests that are being served."""
    most: int = 0
    """The largest number of connections since memory was last returned."""
    ending: bool = False
    """The server ends: connections are closed after their response."""
    _all_closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def count(self) -> int:
        """Return the number of all connections."""
        return len(self.waiting) + len(self.served)

    @property
    def open(self) -> tuple[Tracked, ...]:
        """Return all connections."""
        return (*self.waiting, *self.served)

    def wait(self, connection: Tracked) -> None:
        """Record that a connection waits for a request, and close another if there are too many."""
        self.waiting.pop(connection, None)
        self.served.pop(connection, None)
        self.waiting[connection] = None
        self.most = max(self.most, self.count)
        if self.count > self.limits.connections:
            self._make_room()

    def serve(self, connection: Tracked) -> None:
        """Record that a request of a connection is served."""
        self.waiting.pop(connection, None)
        self.served[connection] = None

    def forget(self, connection: Tracked) -> None:
        """Record that a connection is closed."""
        self.waiting.pop(connection, None)
        self.served.pop(connection, None)
        if not self.waiting and not self.served:
            self._all_closed.set()

    async def closed(self) -> None:
        """Wait until there is no connection."""
        while self.waiting or self.served:
            self._all_closed.clear()
            await self._all_closed.wait()

    def _make_room(self) -> None:
        """Close a connection that waits, or that of the slowest reader if only the newest waits."""
        slowest = drop_slowest(self.served) if len(self.waiting) == 1 else None
        if slowest is not None:
            self.served.pop(slowest, None)
            return
        chosen = self._first_to_close()
        self.forget(chosen)
        chosen.abort()

    def _first_to_close(self) -> Tracked:
        """Return the connection that gives way to the newest.

        One that got only errors comes first, even if it is being served: its next request may be behind.
        Accepted ones come last, unless more than half of those that wait are: without users, any client
        is accepted. Among equals it is the address with the most connections, then the longest wait.
        """
        others = list(self.waiting)[:-1] or list(self.waiting)
        refused = [each for each in (*others, *reversed(self.served)) if each.accepted is False]
        new = [each for each in others if each.accepted is None]
        accepted = sum(each.accepted is True for each in others)
        candidates = refused or (new if accepted <= len(self.waiting) // 2 else []) or others
        of_address = Counter(_host(each) for each in self.open)
        return max(candidates, key=lambda each: of_address[_host(each)])


def _host(connection: Tracked) -> str:
    return connection.remote_address[0] if connection.remote_address else ""
