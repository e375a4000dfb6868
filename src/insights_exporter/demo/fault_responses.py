"""Responses with errors below HTTP."""

import asyncio
import os
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus
from itertools import chain, repeat

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

TRANSPORT = "transport"
"""Key of the asyncio transport in the state of a request."""
SECONDS_PER_BYTE = 1.0
CHUNK = 1 << 20
ENDLESS_ENTRY = b'{"date":"2024-05-20","amount":1},' * 2000
NO_LINGER = struct.pack("ii", 1, 0)


class NoResponse(Response):
    """Accepts the request and never responds."""

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        """Wait until the client disconnects."""
        await _wait_disconnected(receive)


class RawResponse(Response):
    """Writes bytes without any framing, then closes the connection."""

    def __init__(self, status: int, content: bytes, *, reset: bool = False) -> None:
        super().__init__(status_code=status)
        self.content = content
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Write, and close the connection, if wanted by a reset."""
        transport: asyncio.Transport = scope["state"][TRANSPORT]
        transport.write(self.content)
        if self.reset:
            _disable_linger(transport)
            transport.abort()
        else:
            transport.close()
        await _wait_disconnected(receive)


def serialize(response: Response, body: bytes) -> bytes:
    """Return the bytes of a response, with another body."""
    phrase = HTTPStatus(response.status_code).phrase
    lines = [f"HTTP/1.1 {response.status_code} {phrase}".encode()]
    lines += [b": ".join(header) for header in response.raw_headers]
    return b"\r\n".join([*lines, b"", body])


def slow(response: Response) -> Response:
    """Return a response that sends one byte a second."""
    return _stream(response, _slow_down(bytes(response.body)))


def endless(response: Response) -> Response:
    """Return a response with a list that never ends."""
    return _stream(response, chain((b'{"entries":[',), repeat(ENDLESS_ENTRY)))


def gzip_bomb(response: Response) -> Response:
    """Return a response with gzip that unpacks a thousandfold, without end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, again = (packer.compress(b" " * CHUNK) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = _stream(response, chain((first,), repeat(again)))
    bomb.headers["Content-Encoding"] = "gzip"
    return bomb


def _stream(response: Response, chunks: AsyncIterator[bytes] | Iterable[bytes]) -> Response:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return StreamingResponse(chunks, response.status_code, headers)


async def _slow_down(body: bytes) -> AsyncIterator[bytes]:
    for byte in body:
        yield bytes((byte,))
        await asyncio.sleep(SECONDS_PER_BYTE)


async def _wait_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _disable_linger(transport: asyncio.Transport) -> None:
    # Then closing sends RST; the option belongs to the connection, not to this copy of its descriptor.
    descriptor = os.dup(transport.get_extra_info("socket").fileno())
    with socket.socket(fileno=descriptor) as copy:
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
