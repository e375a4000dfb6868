"""One connection of a client: requests in, one at a time, responses out, everything bounded.

uvicorn keeps what a client sends while a request is served, and bounding that takes its private attributes.
So this is a protocol class of our own, on the public parser that uvicorn uses.
"""

import asyncio
import math
import re
import string
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, cast

from starlette.types import ASGIApp

from insights_exporter.web.limits import ConnectionTracker
from insights_exporter.web.places import rate_after
from insights_exporter.web.request import MALFORMED, BadRequest, Refusal, Request, parse_request
from insights_exporter.web.response import Exchange, Refuser

_BUFFER_BYTES = 4096
"""Bytes read at once; the buffer grows for a longer head."""
_UNSENT_BYTES = 64 * 1024
"""Bytes of responses that may wait for the client before the next request is served."""
_TLS_READ_BYTES = 16 * 1024
"""Encrypted bytes that TLS may hold while nothing is read."""
_TLS_BYTES = 32 * 1024
"""Bytes handed to TLS at once, which copies them twice: the buffers of new connections keep that memory."""
_RATE_WITHIN = 1.0
"""Seconds after which what a client has read before counts no more."""
_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"
_BARE_LF = re.compile(rb"(?<!\r)\n")
_METHOD = frozenset(string.ascii_uppercase.encode())
_BARE_LINE_END = Refusal(HTTPStatus.BAD_REQUEST, "Lines must end with CR LF.")
_LONG_START = Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "The start line is too long.")
_LONG_HEAD = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The start line and the headers are too long together."
)
_FAILED = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error; the log of the exporter has details.")


class _State(Enum):
    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    RESPONSE = auto()
    CLOSING = auto()


_UNFINISHED = (_State.HEAD, _State.BODY)


class _Closed(asyncio.Transport):
    """Stands for the transport of a closed connection, which would lead back to the connection itself."""

    def is_closing(self) -> bool:
        return True

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        """Do nothing."""


class Connection(asyncio.BufferedProtocol):
    """Speaks HTTP with one client.

    There is always one deadline: for a whole head, for the response to be
    read, for the next request. A client that drips bytes gains nothing.
    """

    def __init__(self, app: ASGIApp, tracker: ConnectionTracker, refuser: Refuser) -> None:
        self.gone = False
        self.accepted: bool | None = None
        self.on_made: Callable[[], None] | None = None
        """Called once when the connection is made."""
        self._app = app
        self._tracker = tracker
        self._limits = tracker.limits
        self._refuser = refuser
        self._loop = asyncio.get_running_loop()
        self._state = _State.HEAD
        self._buffer = bytearray(_BUFFER_BYTES)
        self._filled = self._scanned = 0
        self._body_left = 0
        self._discarded = 0
        self._written = 0
        self._sample = (0, 0.0)
        self._deadline: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._write_paused = self._read_paused = False

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._secure = transport.get_extra_info("sslcontext") is not None
        self.scheme = "https" if self._secure else "http"
        self.remote_address = parse_address(transport.get_extra_info("peername"))
        self.local_address = parse_address(transport.get_extra_info("sockname"))
        self._transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        if self._secure:
            cast("Any", transport).set_read_buffer_limits(high=_TLS_READ_BYTES)  # of TLS alone
        if self.on_made:
            self.on_made()
            self.on_made = None
        self._tracker.wait(self)
        self._must_end_in(self._limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- as in the base class
        """Cancel the request that is being served, and drop what leads back here."""
        self.gone = True
        self._tracker.forget(self)
        if self._deadline:
            self._deadline.cancel()
        if self._task:
            self._task.cancel()
        self._task = self._writable = None
        self._transport = _Closed()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- as in the base class
        """Return where the next bytes go."""
        return memoryview(self._buffer)[self._filled :]  # asyncio slices it, which must not copy

    def buffer_updated(self, nbytes: int) -> None:
        """Read on as far as the request in hand allows."""
        if self._state is _State.CLOSING:
            self._discard(nbytes)
            return
        self._filled += nbytes
        if self._state is _State.RESPONSE:
            self._pause_reading()
            return
        begins = self._state is _State.IDLE
        if begins:
            self._state = _State.HEAD
        self._read()
        if begins and self._state in _UNFINISHED:
            self._must_end_in(self._limits.head_seconds)

    def eof_received(self) -> bool:
        """Finish the response that is under way; TLS ends with the client's side."""
        self.gone = True
        return self._state is _State.RESPONSE and not self._secure

    def pause_writing(self) -> None:
        """Let the response wait until the client has read."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """Go on with the response."""
        self._write_paused = False
        if self._writable and not self._writable.done():
            self._writable.set_result(None)

    # Requests.

    def _read(self) -> None:
        try:
            if self._state is _State.HEAD:
                self._read_head()
            if self._state is _State.BODY:
                self._read_body()
        except BadRequest as error:
            self._refuse(error.refusal)

    def _read_head(self) -> None:
        begin = self._empty_line()
        end = self._buffer.find(_HEAD_END, max(begin, self._scanned - 3), self._filled)
        self._check_start(begin)
        if end < 0:
            self._check_unfinished()
            self._scanned = self._filled
            self._grow()
            self._resume_reading()
            return
        end += len(_HEAD_END)
        self._request = parse_request(self._buffer[begin:end], self._limits)
        self._keep_from(end)
        self._body_left = self._request.body_bytes
        self._state = _State.BODY

    def _empty_line(self) -> int:
        """Return the length of an empty line before the request, which is ignored (RFC 9112, 2.2)."""
        if self._buffer[0] != _LINE_END[0]:
            return 0
        begin = self._buffer[: min(self._filled, len(_LINE_END))]
        return len(begin) if _LINE_END.startswith(begin) else 0

    def _check_start(self, begin: int) -> None:
        if self._filled > begin and self._buffer[begin] not in _METHOD:
            raise BadRequest(MALFORMED)
        longest = self._limits.start_line_bytes
        if self._filled > longest and self._buffer.find(_LINE_END, begin, longest) < 0:
            raise BadRequest(_LONG_START)

    def _check_unfinished(self) -> None:
        if _BARE_LF.search(self._buffer, self._scanned, self._filled):
            raise BadRequest(_BARE_LINE_END)
        if self._filled >= self._limits.head_bytes:
            raise BadRequest(_LONG_HEAD)

    def _grow(self) -> None:
        if self._filled == len(self._buffer):
            self._buffer = self._buffer + bytes(min(self._filled, self._limits.head_bytes - self._filled))

    def _keep_from(self, start: int) -> None:
        """Move what follows `start` to the beginning of a buffer that is no larger than it must be."""
        rest = self._buffer[start : self._filled] if start < self._filled else b""
        self._filled, self._scanned = len(rest), 0
        if len(self._buffer) > _BUFFER_BYTES:
            self._buffer = bytearray(max(_BUFFER_BYTES, len(rest) + 1))
        if rest:
            self._buffer[: len(rest)] = rest

    def _read_body(self) -> None:
        part = min(self._body_left, self._filled)
        if part:
            self._body_left -= part
            self._keep_from(part)
        if self._body_left:
            self._resume_reading()
        else:
            self._serve()

    # Responses.

    def _serve(self) -> None:
        self._state = _State.RESPONSE
        self._tracker.serve(self)
        self._must_end_in(self._limits.response_seconds)
        if self._filled:
            self._pause_reading()
        self._task = self._loop.create_task(self._respond(self._request))
        self._tracker.tasks.add(self._task)
        self._task.add_done_callback(self._tracker.tasks.discard)

    async def _respond(self, request: Request) -> None:
        keep_alive = request.keep_alive and not self._tracker.ending
        exchange = Exchange(self, request, keep_alive=keep_alive)
        try:
            await self._app(exchange.scope(), exchange.receive, exchange.send)
            if not exchange.complete:
                self._fail(exchange, RuntimeError("a response has no end"))
            await self._drained()
        except Exception as error:  # noqa: BLE001 -- whatever the application raises
            self._fail(exchange, error)
            await self._drained()
        self.accepted = self.accepted or exchange.status < HTTPStatus.BAD_REQUEST
        self._end_response(keep_alive=exchange.keep_alive and not self._tracker.ending)

    def _fail(self, exchange: Exchange, error: Exception) -> None:
        """Report an error, unless the application has, and answer with 500 or cut the response off."""
        if exchange.complete:
            return
        self._loop.call_exception_handler({"message": "a request failed", "exception": error})
        exchange.keep_alive = False
        if exchange.started:
            self.abort()
        else:
            self._write([self._refuser.render(_FAILED)])

    def _end_response(self, *, keep_alive: bool) -> None:
        self._task = None
        if self._transport.is_closing():
            return
        if not keep_alive or self.gone:
            self._close()
            return
        self._tracker.wait(self)
        self._state = _State.HEAD if self._filled else _State.IDLE
        self._must_end_in(self._limits.head_seconds if self._filled else self._limits.idle_seconds)
        if self._filled:
            self._read()
        else:
            self._resume_reading()

    async def write(self, parts: Sequence[bytes]) -> None:
        """Send bytes, and wait until the client has read nearly all."""
        if not self._secure:
            self._write(parts)
            if self._write_paused:
                await self._drained()
            return
        for piece in _pieces(parts):
            self._write([piece])
            await self._drained()

    def _write(self, parts: Sequence[bytes]) -> None:
        if not self._transport.is_closing():
            self._written += sum(map(len, parts))
            self._transport.writelines(parts)
            self._sample = (self._taken(), self._loop.time())

    async def _drained(self) -> None:
        if self._write_paused and not self._transport.is_closing():
            self._writable = self._loop.create_future()
            await self._writable

    # The end.

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def shutdown(self) -> None:
        """Close after the response that is under way."""
        if self._state is not _State.RESPONSE and not self._transport.is_closing():
            self._state, self._filled = _State.CLOSING, 0  # TLS reads on until the client has ended it
            self._transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        self.accepted = bool(self.accepted)
        self._write([self._refuser.render(refusal)])
        self._filled = max(self._filled, 1)
        self._close()

    def _close(self) -> None:
        """Close; a client that may still be sending reads the response first, instead of a reset."""
        self._tracker.wait(self)
        unsent = self._transport.get_write_buffer_size()
        self._must_end_in(self._limits.response_seconds if unsent else self._limits.linger_seconds)
        lingers = self._filled and not self.gone and self._transport.can_write_eof()
        self._state, self._filled = _State.CLOSING, 0
        if not lingers:
            self._transport.close()
            return
        self._transport.write_eof()
        self._resume_reading()

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > self._limits.linger_bytes:
            self.abort()

    def _must_end_in(self, seconds: float) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(seconds, self._transport.abort)

    def _pause_reading(self) -> None:
        if not self._read_paused and not self._transport.is_closing():
            self._read_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._read_paused and not self._transport.is_closing():
            self._read_paused = False
            self._transport.resume_reading()

    # What a response needs.

    def date(self) -> bytes:
        """Return the line of the `Date` header."""
        return self._refuser.date.line()

    def reading_rate(self) -> float:
        """Return bytes per second read since the last write; infinite if unknown."""
        (taken, since), now = self._sample, self._loop.time()
        if not self._transport.get_write_buffer_size() or now - since < rate_after(self._transport):
            return math.inf
        if now - since > _RATE_WITHIN:
            self._sample = (self._taken(), now)
        return (self._taken() - taken) / (now - since)

    def _taken(self) -> int:
        return self._written - self._transport.get_write_buffer_size()


def _pieces(parts: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the parts in pieces that TLS takes well: small ones joined, large ones cut."""
    if sum(map(len, parts)) <= _TLS_BYTES:
        yield b"".join(parts)
        return
    for part in parts:
        for start in range(0, len(part), _TLS_BYTES):
            yield part[start : start + _TLS_BYTES]


def parse_address(found: object) -> tuple[str, int] | None:
    """Return host and port of a socket address; None if it is not of TCP."""
    return (str(found[0]), int(found[1])) if isinstance(found, tuple) else None
