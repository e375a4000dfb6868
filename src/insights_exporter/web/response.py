"""Responses: what an ASGI application sends becomes HTTP/1.1 on a connection."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from starlette.types import Message, Scope

from insights_exporter.web.limits import Client
from insights_exporter.web.request import Header, HTTPRequest

EXCHANGE = "insights_exporter.exchange"
"""Key of the `HTTPExchange` in the ASGI extensions of a request."""

DEFAULT_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
)
"""Headers of each response that does not set them itself."""

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class Peer(Client, Protocol):
    """The connection of a client, as far as a response needs it."""

    is_disconnected: bool
    """Whether the client has closed its side, at least."""
    scheme: str
    """`http` or `https`."""

    async def write(self, parts: Sequence[bytes]) -> None:
        """Send bytes, and wait until the client has read nearly all."""


class HTTPExchange:
    """A request that is being served, and its response.

    `headers` returns those that replace the application's own.
    """

    def __init__(
        self, peer: Peer, request: HTTPRequest, headers: Callable[[], list[Header]], *, keep_alive: bool
    ) -> None:
        self.peer = peer
        self.keep_alive = keep_alive
        self.is_started = self.is_complete = False
        self.status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        """That of the response; until it has begun, the one it gets if it never begins."""
        self._request = request
        self._headers = headers
        self._head = b""
        self.has_body = True
        """Whether the client gets a body; it gets none if it sent HEAD."""
        self._body_left: int | None = None

    def build_scope(self) -> Scope:
        """Return the request in the form of ASGI."""
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
            "extensions": {EXCHANGE: self},
        }

    async def receive(self) -> Message:
        """Return an empty body: bodies are discarded, and a request whose client disconnects is cancelled."""
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """Send a part of the response."""
        if message["type"] == "http.response.start":
            self._start(message["status"], list(message.get("headers", ())))
            return
        body, is_last = message.get("body", b""), not message.get("more_body", False)
        await self.send_parts([body] if body else [], is_last=is_last)

    async def send_parts(self, parts: Sequence[bytes], *, is_last: bool = False) -> None:
        """Send parts of the body at once; without TLS they are not copied."""
        body = parts if self.has_body else []
        if self._body_left is not None:
            self._body_left -= sum(map(len, body))
        if self._head:
            body, self._head = [self._head, *body], b""
        self.is_complete = is_last
        if is_last and self._body_left:
            self.peer.abort()  # the client could not tell where the next response begins
        elif body:
            await self.peer.write(body)

    def _start(self, status: int, own_headers: list[Header]) -> None:
        configured = self._headers()
        names = {name for name, _ in configured}
        headers = [*(header for header in own_headers if header[0].lower() not in names), *configured]
        if self._request.method == "HEAD" or status in _WITHOUT_BODY:
            self._body_left = 0
        else:
            self._body_left = next((int(value) for name, value in headers if name == b"content-length"), None)
        self.has_body = self._body_left != 0
        if self._body_left is None or (b"connection", b"close") in headers:
            self.keep_alive = False
        self.is_started, self.status = True, status
        self._head = _render_head(status, headers, keep_alive=self.keep_alive)


def render_refusal(status: HTTPStatus, text: str, headers: Iterable[Header]) -> bytes:
    """Return the whole response, with further headers, to a request that the application does not get."""
    body = f"{text}\n".encode()
    own = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    return _render_head(status, [*own, *headers], keep_alive=False) + body


@lru_cache(maxsize=1)
def _render_date(second: int) -> bytes:
    return f"date: {formatdate(second, usegmt=True)}\r\n".encode()


def _render_head(status: int, headers: Collection[Header], *, keep_alive: bool) -> bytes:
    """Return status line and headers; the defaults are set unless the response has them."""
    names = {name for name, _ in headers}
    lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status, _render_date(int(time.time()))]
    lines += [b"%b: %b\r\n" % header for header in headers]
    lines += [b"%b: %b\r\n" % header for header in DEFAULT_HEADERS if header[0] not in names]
    if not keep_alive and b"connection" not in names:
        lines.append(b"connection: close\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)
