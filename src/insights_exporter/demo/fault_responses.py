"""Responses that misbehave on the wire: what no well-behaved server would send."""

import asyncio
import os
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

TRANSPORT = "transport"
"""The key under which a request's state holds its asyncio transport."""
CHUNK = 1 << 20
ENDLESS_ENTRY = b'{"date":"2024-05-20","amount":1},' * 2000
LINGER_NOT = struct.pack("ii", 1, 0)


class NoResponse(Response):
    """Accepts the request and never answers."""

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        """Wait until the client gives up."""
        await _gone(receive)


class Raw(Response):
    """Writes bytes past all framing, then ends the connection."""

    def __init__(self, status: int, content: bytes, *, reset: bool = False) -> None:
        super().__init__(status_code=status)
        self.content = content
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Write, and close the connection in order or by a reset."""
        transport: asyncio.Transport = scope["state"][TRANSPORT]
        transport.write(self.content)
        if self.reset:
            _disable_linger(transport)
            transport.abort()
        else:
            transport.close()
        await _gone(receive)


def written(response: Response, body: bytes) -> bytes:
    """Give an answer as bytes, with the headers of one response and the body of another."""
    phrase = HTTPStatus(response.status_code).phrase
    lines = [f"HTTP/1.1 {response.status_code} {phrase}".encode()]
    lines += [b": ".join(header) for header in response.raw_headers]
    return b"\r\n".join([*lines, b"", body])


def slow(response: Response) -> Response:
    """Send one byte a second."""
    return _stream(response, _slowly(bytes(response.body)), {})


def endless(response: Response) -> Response:
    """Send a list that never ends."""
    return _stream(response, _in_turns(_endless()), {})


def gzip_bomb(response: Response) -> Response:
    """Send gzip that unpacks a thousandfold, without end."""
    return _stream(response, _in_turns(_bomb()), {"Content-Encoding": "gzip"})


def _stream(response: Response, chunks: AsyncIterator[bytes], extra: dict[str, str]) -> Response:
    kept = {name: value for name, value in response.headers.items() if name != "content-length"}
    return StreamingResponse(chunks, response.status_code, {**kept, **extra})


async def _slowly(body: bytes) -> AsyncIterator[bytes]:
    for byte in body:
        yield bytes((byte,))
        await asyncio.sleep(1)


async def _in_turns(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    # A client that reads as fast as this writes would otherwise keep the loop for itself.
    while True:
        yield next(chunks)
        await asyncio.sleep(0)


def _endless() -> Iterator[bytes]:
    yield b'{"entries":['
    while True:
        yield ENDLESS_ENTRY


def _bomb() -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(b" " * CHUNK) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * CHUNK) + packer.flush(zlib.Z_FULL_FLUSH)
    while True:
        yield again


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _disable_linger(transport: asyncio.Transport) -> None:
    # Without lingering the last close sends RST; the option belongs to the connection, not to this copy.
    descriptor = os.dup(transport.get_extra_info("socket").fileno())
    with socket.socket(fileno=descriptor) as copy:
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
