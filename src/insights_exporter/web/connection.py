"""One connection of a client: requests in, one at a time, responses out, everything bounded."""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, cast

from starlette.types import ASGIApp

from insights_exporter.web.limits import ConnectionTracker, estimate_rate_delay
from insights_exporter.web.request import BadRequest, Header, HTTPRequest, RequestReader
from insights_exporter.web.response import HTTPExchange, render_refusal

_UNSENT_BYTES = 64 * 1024
"""Bytes of responses that may wait for the client before the next request is served."""
_TLS_READ_BYTES = 16 * 1024
"""Encrypted bytes that TLS may hold while nothing is read."""
_TLS_WRITE_BYTES = 48 * 1024
"""Bytes passed to TLS at once: three records, of which uvloop sends six in one system call.

TLS copies them twice, and its buffers keep that memory.
"""
_TLS_UNSENT_BYTES = 16 * 1024
"""Encrypted bytes that TLS may hold beyond the transport's own buffer before a response waits."""
_RATE_INTERVAL = 1.0
"""Seconds after which earlier reading of a client no longer counts."""

_TRY_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""Statuses of responses after which it is still unknown whether a client is accepted."""


class _State(Enum):
    IDLE = auto()
    RECEIVING = auto()
    RESPONDING = auto()
    CLOSING = auto()


class _ClosedTransport(asyncio.Transport):
    """Replaces the transport of a closed connection, which would refer back to the connection."""

    def is_closing(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        """Do nothing."""


class Connection(asyncio.BufferedProtocol):
    """Speaks HTTP with one client.

    There is always one timeout: until a request has arrived, until its response
    is read, until the next request. A client that sends single bytes gains nothing.
    `headers` returns those of all responses, which replace the application's own.
    """

    def __init__(self, app: ASGIApp, tracker: ConnectionTracker, headers: Callable[[], list[Header]]) -> None:
        self.is_disconnected = False
        self.accepted: bool | None = None
        self.on_connected: Callable[[], None] | None = None
        """Called once when the connection is made."""
        self._app = app
        self._tracker = tracker
        self._limits = tracker.limits
        self._headers = headers
        self._loop = asyncio.get_running_loop()
        self._state = _State.RECEIVING
        self._reader = RequestReader(tracker.limits)
        self._discarded = 0
        self._written = 0
        self._rate_start = (0, 0.0)
        """Bytes that the client had read, and the time, from which its rate counts."""
        self._timeout: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._is_write_paused = self._is_read_paused = False

    # Called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._is_tls = transport.get_extra_info("sslcontext") is not None
        self.scheme = "https" if self._is_tls else "http"
        self.remote_address = parse_address(transport.get_extra_info("peername"))
        self._transport.set_write_buffer_limits(high=_TLS_UNSENT_BYTES if self._is_tls else _UNSENT_BYTES)
        if self._is_tls:
            cast("Any", transport).set_read_buffer_limits(high=_TLS_READ_BYTES)  # TLS transports only
        if self.on_connected:
            self.on_connected()
            self.on_connected = None
        self._tracker.set_waiting(self)
        self._set_timeout(self._limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- as in the base class
        """Cancel the request that is being served, and drop references back to this connection."""
        self.is_disconnected = True
        self._tracker.remove(self)
        if self._timeout:
            self._timeout.cancel()
        if self._task:
            self._task.cancel()
        self._task = self._writable = None
        self._transport = _ClosedTransport()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- as in the base class
        """Return where the next bytes go."""
        return self._reader.get_buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Continue to read the request, or leave the bytes for later if one is being served."""
        if self._state is _State.CLOSING:
            self._discarded += nbytes
            if self._discarded > self._limits.linger_bytes:
                self.abort()
            return
        self._reader.receive(nbytes)
        if self._state is _State.RESPONDING:
            self._pause_reading()
            return
        was_idle, self._state = self._state is _State.IDLE, _State.RECEIVING
        self._read_request()
        if was_idle and self._state is _State.RECEIVING:
            self._set_timeout(self._limits.head_seconds)

    def eof_received(self) -> bool:
        """Finish the running response; TLS ends with the client's side."""
        self.is_disconnected = True
        return self._state is _State.RESPONDING and not self._is_tls

    def pause_writing(self) -> None:
        """Pause the response until the client has read."""
        self._is_write_paused = True

    def resume_writing(self) -> None:
        """Continue the response."""
        self._is_write_paused = False
        if self._writable and not self._writable.done():
            self._writable.set_result(None)

    # Requests and responses.

    def _read_request(self) -> None:
        try:
            request = self._reader.take_request()
        except BadRequest as error:
            self.accepted = bool(self.accepted)
            self._write([render_refusal(error.status, error.text, self._headers())])
            self._close(may_send_more=True)
            return
        if request is None:
            self._resume_reading()
            return
        self._state = _State.RESPONDING
        self._tracker.set_responding(self)
        self._set_timeout(self._limits.response_seconds)
        if self._reader.has_data:
            self._pause_reading()
        self._task = self._loop.create_task(self._respond(request))
        self._tracker.tasks.add(self._task)
        self._task.add_done_callback(self._tracker.tasks.discard)

    async def _respond(self, request: HTTPRequest) -> None:
        keep_alive = request.keep_alive and not self._tracker.is_stopping
        exchange = HTTPExchange(self, request, self._headers, keep_alive=keep_alive)
        try:
            await self._app(exchange.build_scope(), exchange.receive, exchange.send)
            if not exchange.is_complete:
                self._fail(exchange, RuntimeError("a response has no end"))
            await self._drain()
        except Exception as error:  # noqa: BLE001 -- whatever the application raises
            self._fail(exchange, error)
            await self._drain()
        if exchange.status not in _TRY_AGAIN:
            self.accepted = self.accepted or exchange.status < HTTPStatus.BAD_REQUEST
        self._end_response(keep_alive=exchange.keep_alive and not self._tracker.is_stopping)

    def _fail(self, exchange: HTTPExchange, error: Exception) -> None:
        """Report an error, unless the application has, and send 500 or cut the response off."""
        if exchange.is_complete:
            return
        self._loop.call_exception_handler({"message": "a request failed", "exception": error})
        exchange.keep_alive = False
        if exchange.is_started:
            self.abort()
        else:
            text = "Internal error; the log of the exporter has details."
            self._write([render_refusal(HTTPStatus.INTERNAL_SERVER_ERROR, text, self._headers())])

    def _end_response(self, *, keep_alive: bool) -> None:
        """Wait for the next request, of which the first bytes may have arrived, or close."""
        self._task = None
        has_data = self._reader.has_data
        if self._transport.is_closing():
            return
        if not keep_alive or self.is_disconnected:
            self._close(may_send_more=has_data)
            return
        self._tracker.set_waiting(self)
        self._state = _State.RECEIVING if has_data else _State.IDLE
        self._set_timeout(self._limits.head_seconds if has_data else self._limits.idle_seconds)
        if has_data:
            self._read_request()
        else:
            self._resume_reading()

    # Closing.

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def shutdown(self) -> None:
        """Close after the running response."""
        if self._state is not _State.RESPONDING and not self._transport.is_closing():
            self._state = _State.CLOSING  # TLS reads until the client has ended it
            self._reader.clear()
            self._transport.close()

    def _close(self, *, may_send_more: bool) -> None:
        """Close; a client that may send more can read the response first, instead of getting a reset."""
        self._tracker.set_waiting(self)
        unsent = self._transport.get_write_buffer_size()
        self._set_timeout(self._limits.response_seconds if unsent else self._limits.linger_seconds)
        self._state = _State.CLOSING
        self._reader.clear()
        if may_send_more and not self.is_disconnected and self._transport.can_write_eof():
            self._transport.write_eof()
            self._resume_reading()
        else:
            self._transport.close()

    def _set_timeout(self, seconds: float) -> None:
        if self._timeout:
            self._timeout.cancel()
        self._timeout = self._loop.call_later(seconds, self._transport.abort)

    # Flow control.

    async def write(self, parts: Sequence[bytes]) -> None:
        """Send bytes, and wait until the client has read nearly all."""
        if not self._is_tls:
            self._write(parts)
            await self._drain()
            return
        for part in _split_for_tls(parts):
            self._write([part])
            await self._drain()

    def _write(self, parts: Sequence[bytes | memoryview]) -> None:
        if not self._transport.is_closing():
            self._written += sum(map(len, parts))
            self._transport.writelines(parts)
            self._rate_start = (self._bytes_read(), self._loop.time())

    async def _drain(self) -> None:
        if self._is_write_paused and not self._transport.is_closing():
            self._writable = self._loop.create_future()
            await self._writable

    def _pause_reading(self) -> None:
        if not self._is_read_paused and not self._transport.is_closing():
            self._is_read_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_read_paused and not self._transport.is_closing():
            self._is_read_paused = False
            self._transport.resume_reading()

    def measure_reading_rate(self) -> float:
        """Return bytes per second read since the last write; infinite if unknown."""
        (read, since), now = self._rate_start, self._loop.time()
        if not self._transport.get_write_buffer_size() or now - since < estimate_rate_delay(self._transport):
            return math.inf
        if now - since > _RATE_INTERVAL:
            self._rate_start = (self._bytes_read(), now)
        return (self._bytes_read() - read) / (now - since)

    def _bytes_read(self) -> int:
        return self._written - self._transport.get_write_buffer_size()


def _split_for_tls(parts: Sequence[bytes]) -> Iterator[bytes | memoryview]:
    """Yield the parts in sizes that suit TLS: small ones joined, large ones cut."""
    if sum(map(len, parts)) <= _TLS_WRITE_BYTES:
        yield b"".join(parts)
        return
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(part), _TLS_WRITE_BYTES):
            yield view[start : start + _TLS_WRITE_BYTES]


def parse_address(address: object) -> tuple[str, int] | None:
    """Return host and port of a socket address; None if it is not one of TCP."""
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
