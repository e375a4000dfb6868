"""One request and its response, as an ASGI application sees them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

from starlette.types import Message, Scope

from insights_exporter.web.request import Request
from insights_exporter.web.response import body_length, render_head

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
