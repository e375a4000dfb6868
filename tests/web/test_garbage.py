"""Connections leave no reference cycles, since garbage collection would delay scrapes."""

import asyncio
import contextlib
import socket
import ssl
from dataclasses import replace

import pytest
import trustme
import uvloop
from starlette.types import Receive, Scope, Send

from benchmarks.attacks.catalog import HELLO
from insights_exporter.web.limits import ServerLimits
from insights_exporter.web.webconfig.tls import ServerSSLContext
from tests.integration.garbage import list_uncollected
from tests.integration.waiting import eventually_async
from tests.web.server import GENEROUS, GOOD, LARGE, SHORT, Address, app, read_until_close, serving

OF_SERVERS = ("insights_exporter.web.", "uvloop.", "starlette.")
LAST = b"GET %b HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
TIMES = 3


async def responses(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond, or raise an error."""
    if scope["path"] == "/error":
        raise ValueError("an error")
    await app(scope, receive, send)


def send_request(address: Address, request: bytes, context: ssl.SSLContext | None) -> None:
    """Send a request, read a part of the response, and disconnect."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, SHORT) as plain,
        context.wrap_socket(plain, server_hostname=address[0]) if context else plain as client,
    ):
        client.sendall(request)
        left = LARGE // 2
        while left > 0 and (piece := client.recv(1 << 20)):
            left -= len(piece)


async def find_cycles(
    request: bytes, server: ssl.SSLContext | None, client: ssl.SSLContext | None
) -> list[str]:
    """Return the types in reference cycles after some visits."""
    async with serving(GENEROUS, responses, server) as (running, address):
        tracker = running.tracker
        with list_uncollected(*OF_SERVERS) as left:
            for _ in range(TIMES):
                await asyncio.to_thread(send_request, address, request, client)
            await eventually_async(lambda: not tracker.connections and not tracker.tasks)
    return left


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"", id="sends nothing"),
        pytest.param(b"nonsense\r\n\r\n", id="not HTTP"),
        pytest.param(GOOD[:10], id="disconnects during a request"),
        pytest.param(LAST % b"/hello", id="one request"),
        pytest.param(GOOD, id="disconnects after the response"),
        pytest.param(GOOD * 3, id="three requests at once"),
        pytest.param(LAST % b"/error", id="error of the application"),
        pytest.param(LAST % b"/large", id="disconnects during the response"),
        pytest.param(
            (LAST % b"/segments").replace(b"close", b"keep") * 3, id="disconnects during three responses"
        ),
    ],
)
def test_connection_is_freed_as_it_ends(request_: bytes, *, secured: bool) -> None:
    """A closed connection leaves no reference cycle, however it ends."""
    contexts = tls() if secured else (None, None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        left = runner.run(find_cycles(request_, *contexts))

    assert [] == left


BAD_HANDSHAKES = {
    "sends nothing": b"",
    "disconnects during its first message": HELLO[:50],
    "disconnects after its first message": HELLO,
    "speaks HTTP": GOOD,
    "sends a wrong record": b"\x16\x03\x01\x00\x40" + bytes(64),
    "sends wrong records without end": (b"\x16\x03\x01\x40\x00" + bytes(0x4000)) * 3,
    "continues with a wrong message": HELLO + b"\x14\x03\x03\x00\x01\x01" * 100,
}


async def find_cycles_of_handshakes(first: bytes, limits: ServerLimits) -> list[str]:
    """Return the types in reference cycles after failed handshakes."""
    context = ServerSSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with serving(limits, responses, context) as (running, address):
        tracker = running.tracker
        with list_uncollected(*OF_SERVERS, "ssl.") as left:
            for _ in range(TIMES):
                await asyncio.to_thread(send_and_wait, address, first)
            await eventually_async(lambda: not tracker.connections and not tracker.tasks)
    return left


def send_and_wait(address: Address, first: bytes) -> None:
    """Send an incomplete handshake, wait a while for the server to close, and disconnect."""
    with contextlib.suppress(OSError), socket.create_connection(address, SHORT) as client:
        client.sendall(first)
        while client.recv(1 << 16):
            client.sendall(first)


@pytest.mark.parametrize("first", BAD_HANDSHAKES.values(), ids=BAD_HANDSHAKES)
def test_failed_handshake_is_freed_as_it_ends(first: bytes) -> None:
    """A failed handshake leaves no reference cycle, however it fails."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        left = runner.run(find_cycles_of_handshakes(first, GENEROUS))

    assert [] == left


@pytest.mark.parametrize("first", [b"", HELLO[:50], HELLO], ids=["nothing", "a part", "a message"])
def test_handshake_that_is_closed_for_a_newer_one_is_freed(first: bytes) -> None:
    """A handshake that is closed for a newer connection leaves no reference cycle."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        left = runner.run(find_cycles_of_replaced(first))

    assert [] == left


async def find_cycles_of_replaced(first: bytes) -> list[str]:
    """Return the types in reference cycles after handshakes were closed for newer ones."""
    context = ServerSSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with serving(replace(GENEROUS, connections=1), responses, context) as (running, address):
        tracker = running.tracker
        with list_uncollected(*OF_SERVERS, "ssl.") as left:
            clients = [await asyncio.open_connection(*address) for _ in range(TIMES)]
            for _, writer in clients:
                writer.write(first)
            for reader, _ in clients[:-1]:
                await read_until_close(reader)
            for _, writer in clients:
                writer.close()
            await eventually_async(lambda: not tracker.connections and not tracker.tasks)
    return left


def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the SSL contexts of server and client."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client
