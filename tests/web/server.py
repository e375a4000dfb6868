"""HTTP servers with limits on real sockets, and clients for them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from insights_exporter.web.limits import ServerLimits
from insights_exporter.web.server import Server, listen
from tests.integration.waiting import eventually_async

LONG = 60.0
GENEROUS = ServerLimits(head_seconds=LONG, response_seconds=LONG, idle_seconds=LONG, connections=1000)
SHORT = 0.1
GOOD = b"GET /hello HTTP/1.1\r\nHost: here\r\n\r\n"
LARGE = 64 * 1024 * 1024
"""More bytes than the kernel takes in on behalf of a client that does not read."""

Address = tuple[str, int]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with a word, or with more than a client reads at once."""
    responses = {"/large": PlainTextResponse(b"x" * LARGE), "/segments": StreamingResponse(segments())}
    await responses.get(scope["path"], Response(b"hello"))(scope, receive, send)


async def segments() -> AsyncIterator[bytes]:
    """Yield as much in parts."""
    for _ in range(64):
        yield b"x" * (LARGE // 64)


@asynccontextmanager
async def serving(
    limits: ServerLimits,
    application: ASGIApp = app,
    context: ssl.SSLContext | None = None,
    send_bytes: int = 0,
) -> AsyncIterator[tuple[Server, Address]]:
    """Serve with these limits within the block, over TLS if there is a context.

    The kernel takes `send_bytes` for a client that does not read, if it is given.
    """
    with listen("127.0.0.1:0") as listener:
        if send_bytes:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
        server = Server(application, limits, context)
        task = asyncio.create_task(server.serve([listener]))
        await eventually_async(lambda: server.is_started)
        yield server, listener.getsockname()
        for connection in tuple(server.tracker.connections):
            connection.abort()
        server.stop()
        await task


async def read_until_close(reader: asyncio.StreamReader) -> bytes:
    """Return what is received until the connection ends, maybe by a reset."""
    got = bytearray()
    try:
        while piece := await reader.read(65536):
            got += piece
    except ConnectionError:
        pass
    return bytes(got)


@contextmanager
def unread(address: Address, request: bytes, receive_bytes: int = 0) -> Iterator[socket.socket]:
    """Send a request and never read the response, of which the kernel may receive `receive_bytes`."""
    with socket.socket() as client:
        if receive_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.connect(address)
        client.sendall(request)
        yield client


async def is_served(address: Address, context: ssl.SSLContext | None = None) -> bool:
    """Return whether a well-behaved client gets a response."""
    reader, writer = await asyncio.open_connection(*address, ssl=context)
    writer.write(b"GET /hello HTTP/1.0\r\n\r\n")
    text = await read_until_close(reader)
    writer.close()
    return text.endswith(b"hello")
