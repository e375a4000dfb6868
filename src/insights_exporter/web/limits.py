"""The limits of the server, and which client gives way when one is reached."""

import asyncio
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

SLOW = 256 * 1024
"""Bytes per second; a client that reads less may have to give way."""

_RATE_DELAY = (0.01, 0.5)
"""Seconds until the reading rate of a client is known, at least and at most."""
_ROUND_TRIPS = 5
"""Round trips that a client may take until its rate is known: TCP starts slowly."""
_TCP_INFO = struct.Struct("68xI")
"""The information of Linux on a connection: the round-trip time in microseconds."""
_IDLE = 1.0
"""Seconds without a request after which a client is idle; until then it may be in its TLS handshake."""
_SLOT_TRIES, _SLOT_INTERVAL = 10, 0.1
_IPV4_MAPPED = bytes(10) + b"\xff\xff"
_IPV6_NETWORK_BYTES = 8


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
    """Time that a refused client may continue to send before its connection is closed."""
    linger_bytes: int = 1024 * 1024
    """Bytes that it may send in this time."""
    connections: int = 128
    """Connections, handshakes included; with TLS each one may hold 100 kB."""
    memory_seconds: float = 5.0
    """Time between two checks of whether many connections have ended."""
    grace_seconds: float = 3.0
    """Time for running responses when the server stops."""


DEFAULT_LIMITS = ServerLimits()


class Client(Protocol):
    """A connection, or a TLS handshake that becomes one."""

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the client."""

    @property
    def accepted(self) -> bool | None:
        """Return whether any response had a status below 400; None if there was none but 429 and 503."""

    def measure_reading_rate(self) -> float:
        """Return bytes per second read since the last write; infinite if unknown."""

    def shutdown(self) -> None:
        """Close after the running response."""

    def abort(self) -> None:
        """Close at once."""


@dataclass(slots=True, eq=False)
class ConnectionTracker:
    """All connections of a server, within their number."""

    limits: ServerLimits = DEFAULT_LIMITS
    clock: Callable[[], float] = time.monotonic
    waiting: dict[Client, float] = field(default_factory=dict)
    """Connections without a request, and since when, the longest wait first."""
    responding: dict[Client, None] = field(default_factory=dict)
    """Connections whose request is being served, the oldest request first."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Requests that are being served."""
    peak: int = 0
    """The largest number of connections since memory was last returned."""
    is_stopping: bool = False
    """Whether the server stops, so that connections close after their response."""
    _all_closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def count(self) -> int:
        """Return the number of connections."""
        return len(self.waiting) + len(self.responding)

    @property
    def connections(self) -> tuple[Client, ...]:
        """Return all connections."""
        return (*self.waiting, *self.responding)

    def set_waiting(self, client: Client) -> None:
        """Record that a connection waits for a request, and close another if there are too many."""
        self.waiting.pop(client, None)
        self.responding.pop(client, None)
        self.waiting[client] = self.clock()
        self.peak = max(self.peak, self.count)
        if self.count > self.limits.connections:
            closing = self._select_for_closing() or client
            self.remove(closing)
            closing.abort()

    def set_responding(self, client: Client) -> None:
        """Record that a request of a connection is being served."""
        self.waiting.pop(client, None)
        self.responding[client] = None

    def remove(self, client: Client) -> None:
        """Record that a connection is closed."""
        self.waiting.pop(client, None)
        self.responding.pop(client, None)
        if not self.count:
            self._all_closed.set()

    async def wait_closed(self) -> None:
        """Wait until there is no connection."""
        while self.count:
            self._all_closed.clear()
            await self._all_closed.wait()

    def _select_for_closing(self) -> Client | None:
        """Return the connection that gives way to the newest.

        One that got only errors comes first, then one that got no response, even if it is being served:
        a stranger could keep all of its connections busy. Accepted ones come last, unless most are
        accepted: without users, any client is. In that case only slow readers are closed while served. Among
        equals it is the network with the most connections. None if all others are served and none is slow.
        """
        waiting = list(self.waiting)[:-1]
        # Measured once: a measurement may begin a new interval.
        rates = {each: each.measure_reading_rate() for each in reversed(self.responding)}
        others = [*waiting, *rates]
        refused = [each for each in others if each.accepted is False]
        new = [each for each in others if each.accepted is None]
        are_most_accepted = sum(each.accepted is True for each in others) > self.count // 2
        slow = [each for each, rate in rates.items() if rate < SLOW]
        candidates = refused or ([*waiting, *slow] if are_most_accepted else new) or waiting or slow
        networks = {each: find_network(each.remote_address) for each in self.connections}
        sizes = Counter(networks.values())
        largest = max((sizes[networks[each]] for each in candidates), default=0)
        equal = [each for each in candidates if sizes[networks[each]] == largest]
        return self._select_equal(equal, {each: rates[each] for each in equal if each in rates})

    def _select_equal(self, clients: Iterable[Client], rates: Mapping[Client, float]) -> Client | None:
        """Return an idle connection, else a slow reader, else one that waits, else the newest request.

        If more are waiting than reading slowly, one that waits is closed before a slow reader.
        """
        now = self.clock()
        waits = {each: now - self.waiting[each] for each in clients if each in self.waiting}
        slow = [each for each, rate in rates.items() if rate < SLOW]
        longest = max(waits, key=waits.__getitem__, default=None)
        if longest and (waits[longest] >= _IDLE or len(waits) > len(slow)):
            return longest
        return min(slow, key=rates.__getitem__, default=None) or next(iter(rates), None)


def find_network(address: tuple[str, int] | None) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network of an IPv6 address.

    A single machine usually has all addresses of a /64 network.
    """
    host = address[0] if address else ""
    try:
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except OSError:  # not IPv6
        return host
    return host if packed.startswith(_IPV4_MAPPED) else packed[:_IPV6_NETWORK_BYTES].hex()


class ResponseSlots:
    """A limited number of concurrent responses; waiting clients get slots in the order of their arrival."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._used: dict[Client, None] = {}
        self._waiting: dict[Client, asyncio.Future[None]] = {}

    async def acquire(self, client: Client) -> bool:
        """Wait up to a second for a slot; return whether the client got one.

        It takes a while until a client is known to be slow.
        """
        if not self._waiting and self.try_acquire(client):
            return True
        turn = self._waiting[client] = asyncio.get_running_loop().create_future()
        try:
            for _ in range(_SLOT_TRIES):
                await asyncio.wait([turn], timeout=_SLOT_INTERVAL)
                slowest = None if turn.done() else close_slowest(self._used)
                if slowest is not None:
                    self.release(slowest)
                if turn.done():
                    return True
        except asyncio.CancelledError:
            self.release(client)
            raise
        finally:
            self._waiting.pop(client, None)
        return False

    def try_acquire(self, client: Client) -> bool:
        """Take a free slot, or that of the slowest client; return whether there was one."""
        if len(self._used) >= self._number:
            slowest = close_slowest(self._used)
            if slowest is None:
                return False
            self._used.pop(slowest, None)
        self._used[client] = None
        return True

    def release(self, client: Client) -> None:
        """Pass the slot of a client, unless it has lost it, to the one that waits longest."""
        self._used.pop(client, None)
        while self._waiting and len(self._used) < self._number:
            next_client, turn = next(iter(self._waiting.items()))
            del self._waiting[next_client]
            self._used[next_client] = None
            turn.set_result(None)


def close_slowest(clients: Iterable[Client]) -> Client | None:
    """Close the connection of the slowest client and return it; None if none is slow."""
    rates = {client: client.measure_reading_rate() for client in clients}
    slowest = min(rates, key=rates.__getitem__, default=None)
    if slowest is None or rates[slowest] >= SLOW:
        return None
    slowest.abort()
    return slowest


def estimate_rate_delay(transport: asyncio.Transport) -> float:
    """Return the seconds until the reading rate of a client is known, by its round-trip time."""
    least, most = _RATE_DELAY
    if sys.platform != "linux":
        return most
    try:
        info = transport.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size
        )
    except OSError:  # not TCP, or just closed
        return most
    (microseconds,) = _TCP_INFO.unpack(info)
    return min(max(_ROUND_TRIPS * int(microseconds) / 1e6, least), most)
