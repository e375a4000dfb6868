"""Responses: what an ASGI application sends becomes HTTP/1.1 on a connection."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol

from starlette.types import Message, Scope

from insights_exporter.web.request import Header, Refusal, Request

DEFAULT_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
)
"""Headers of every response that has none of that name itself."""

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class DateHeader:
    """The `Date` header, rendered once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        """Return the header line."""
        now = int(time.time())
        if now != self._second:
            self._second, self._line = now, f"date: {formatdate(now, usegmt=True)}\r\n".encode()
        return self._line


def render_head(status: int, headers: Collection[Header], date: bytes, *, keep_alive: bool) -> bytes:
    """Return status line and headers; those of the response win over the defaults."""
    names = {name for name, _ in headers}
    lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status, date]
    lines += [b"%b: %b\r\n" % header for header in headers]
    lines += [b"%b: %b\r\n" % header for header in DEFAULT_HEADERS if header[0] not in names]
    if not keep_alive and b"connection" not in names:
        lines.append(b"connection: close\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


class Refuser:
    """Renders responses to requests that are refused before the application sees them."""

    def __init__(self, headers: Callable[[], list[Header]] = list) -> None:
        self.date = DateHeader()
        self._headers = headers
        """Returns the headers that every response shall have."""

    def render(self, refusal: Refusal) -> bytes:
        """Return the whole response."""
        body = f"{refusal.text}\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            *self._headers(),
        ]
        return render_head(refusal.status, headers, self.date.line(), keep_alive=False) + body


def body_length(status: int, headers: Iterable[Header], *, is_head: bool) -> int | None:
    """Return the number of body bytes that follow the head; None if the end of the connection ends them."""
    if is_head or status in _WITHOUT_BODY:
        return 0
    return next((int(value) for name, value in headers if name == b"content-length"), None)


EXCHANGE = "insights_exporter.exchange"
"""Key of a request's ASGI extensions: its `Exchange`."""


class Peer(Protocol):
    """The client's connection, as far as a response needs it."""

    gone: bool
    """The client has closed its side, at least."""

    scheme: str
    """`http` or `https`."""
    local_address: tuple[str, int] | None
    """The address that the client has connected to."""
    remote_address: tuple[str, int] | None

    def reading_rate(self) -> float:
        """Return bytes per second read since the last write; infinite if unknown."""

    def date(self) -> bytes:
        """Return the line of the `Date` header."""

    async def write(self, parts: Sequence[bytes]) -> None:
        """Send bytes, and wait until the client has read nearly all."""

    def abort(self) -> None:
        """Close at once."""


class Exchange:
    """A request that is being served; the response that `send` gets is written to its client."""

    def __init__(self, peer: Peer, request: Request, *, keep_alive: bool) -> None:
        self.peer = peer
        self.keep_alive = keep_alive
        self.started = self.complete = False
        self.status: int = HTTPStatus.INTERNAL_SERVER_ERROR
        """The status of the response; an error until it starts."""
        self._request = request
        self._head = b""
        self._without_body = False
        self._left: int | None = None

    def scope(self) -> Scope:
        """Return the request as ASGI has it."""
        request, peer = self._request, self.peer
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": request.version,
            "method": request.method,
            "scheme": peer.scheme,
            "path": request.path,
            "raw_path": request.raw_path,
            "query_string": request.query,
            "root_path": "",
            "headers": request.headers,
            "client": peer.remote_address,
            "server": peer.local_address,
            "state": {},
            "extensions": {EXCHANGE: self},
        }

    async def receive(self) -> Message:
        """Return the body, which is discarded before a request is served; there is no other event.

        A request whose client disconnects is cancelled.
        """
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """Take a part of the response."""
        if message["type"] == "http.response.start":
            self._start(message["status"], list(message.get("headers", ())))
            return
        body, last = message.get("body", b""), not message.get("more_body", False)
        await self.send_parts([body] if body else [], last=last)

    async def send_parts(self, parts: Sequence[bytes], *, last: bool = False) -> None:
        """Send parts of the body at once; without TLS nothing is copied."""
        body = [] if self._without_body else parts
        if self._left is not None:
            self._left -= sum(map(len, body))
        if self._head:
            body, self._head = [self._head, *body], b""
        self.complete = last
        if last and self._left:
            self.peer.abort()  # the client could not tell where the next response begins
        elif body:
            await self.peer.write(body)

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        is_head = self._request.method == "HEAD"
        self._left = body_length(status, headers, is_head=is_head)
        self._without_body = self._left == 0
        if self._left is None or (b"connection", b"close") in headers:
            self.keep_alive = False
        self.started, self.status = True, status
        self._head = render_head(status, headers, self.peer.date(), keep_alive=self.keep_alive)
