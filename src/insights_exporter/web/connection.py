"""One connection of a client, with bounds on what it may send and how long it may take."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

HAND_OVER = "hand over"
"""The key under which a request's state may have what sends many parts of an answer's body at once; what is
sent next then waits until the client has taken in nearly all."""

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n"
    b"The address and headers of a request are too long together.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a client is allowed; times in seconds."""

    head_bytes: int = 64 * 1024
    """How long the address and headers of a request may be together."""
    head_seconds: float = 10.0
    """How long they may take to arrive, and a handshake before them as long again."""
    answer_seconds: float = 30.0
    """How long an answer may take until the client has taken it in."""
    idle_seconds: float = 90.0
    """How long a connection may stay open between two requests."""
    connections: int = 512
    """How many connections there may be; one more, and the one that has waited longest is closed."""


USUAL_BOUNDS = Bounds()


class Guest(Protocol):
    """A connection, from the moment that it was taken in."""

    def abort(self) -> None:
        """End it at once."""


@dataclass(slots=True)
class Door:
    """All connections of a server, and those that wait for a request, the longest waiting first."""

    bounds: Bounds = USUAL_BOUNDS
    inside: set[Guest] = field(default_factory=set)
    waiting: dict[Guest, None] = field(default_factory=dict)

    def waits(self, guest: Guest) -> None:
        """Take note of a connection that waits, and make room where there are too many."""
        self.inside.add(guest)
        self.waiting.pop(guest, None)
        self.waiting[guest] = None
        if len(self.inside) > self.bounds.connections:
            longest = next(iter(self.waiting))
            self.left(longest)
            longest.abort()

    def is_served(self, guest: Guest) -> None:
        """Take note of a connection that waits no more."""
        self.waiting.pop(guest, None)

    def left(self, guest: Guest) -> None:
        """Forget a connection."""
        self.waiting.pop(guest, None)
        self.inside.discard(guest)


class Connection(HttpToolsProtocol):
    """Speaks HTTP with one client, and ends where a bound is passed.

    There is always one time by which something must have happened: a whole
    request, the answer taken in, the next request. A client that drips bytes
    gains nothing by it.
    """

    def __init__(
        self,
        door: Door,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.instead_of: Guest | None = None
        """Who has counted for this connection until it is made."""
        self._door = door
        self._bounds = door.bounds
        self._alarm: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        """Wait for the first request."""
        super().connection_made(transport)
        if transport.get_extra_info("sslcontext") is None:  # TLS would copy all parts at once
            self.app_state = {**self.app_state, HAND_OVER: self._hand_over}
        if self.instead_of:
            self._door.left(self.instead_of)
        self._door.waits(self)
        self._must_end_in(self._bounds.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        if self._answering:
            # The base class tells only the newest request, which may be waiting behind this one.
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)
        self._door.left(self)
        if self._alarm:
            self._alarm.cancel()
        self._let_go()

    def data_received(self, data: bytes) -> None:
        """Read on, but no head of a request that is too long."""
        while data and self.parser and not self.transport.is_closing():
            room = self._bounds.head_bytes - self._head_bytes if self._in_head else len(data)
            if room <= 0:
                self.transport.write(_TOO_LONG)
                self.transport.close()
                return
            piece, data = data[:room], data[room:]
            if self._in_head:
                self._head_bytes += len(piece)
            super().data_received(piece)

    def on_message_begin(self) -> None:
        """Read the head of a request."""
        super().on_message_begin()
        if not self._in_head:
            self._in_head, self._head_bytes = True, 0
            self._must_end_in(self._bounds.head_seconds)

    def on_headers_complete(self) -> None:
        """Answer the request."""
        self._in_head = False
        self._door.is_served(self)
        self._must_end_in(self._bounds.answer_seconds)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or answer the one that came meanwhile."""
        super().on_response_complete()
        if not self.cycle.response_complete:
            self._must_end_in(self._bounds.answer_seconds)
            return
        if self.cycle.more_body:  # what is still to come of it is of no use
            self.transport.close()
        if self._all_sent():
            self._door.waits(self)
            self._must_end_in(self._bounds.idle_seconds)
        else:
            self._must_end_in(self._bounds.answer_seconds)

    def abort(self) -> None:
        """End at once."""
        self.transport.abort()

    def shutdown(self) -> None:
        """End after the answer that is under way, whatever was asked for behind it."""
        self.pipeline.clear()
        if self._answering and not self._answering.response_complete:
            self._answering.keep_alive = False
        else:
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _hand_over(self, parts: Sequence[bytes]) -> None:
        if self._answering and not self._answering.disconnected:
            self._answering.expected_content_length -= sum(map(len, parts))
            self.transport.writelines(parts)

    def timeout_keep_alive_handler(self) -> None:
        """Leave the end to the time that is set here, which data in between does not put off."""

    def _let_go(self) -> None:
        """Drop what leads back here: a connection that held itself would wait for the garbage collector."""
        self.pipeline.clear()
        self.app_state = {}
        self.scope = self.cycle = None  # type: ignore[assignment]  # as in the base
        self._answering = None

    def _all_sent(self) -> bool:
        return not self.transport.is_closing() and self.transport.get_write_buffer_size() == 0

    def _must_end_in(self, seconds: float) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self.loop.call_later(seconds, self.transport.abort)
