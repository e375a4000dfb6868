"""Connections leave nothing for the garbage collector, whose work would keep scrapes waiting."""

import asyncio
import contextlib
import socket
import ssl
from dataclasses import replace

import pytest
import trustme
import uvloop
from starlette.types import Receive, Scope, Send

from benchmarks.attacking.scripts import HELLO
from insights_exporter.web.limits import ServerLimits
from insights_exporter.web.webconfig.tls import ServerSSLContext
from tests.integration.garbage import collected
from tests.integration.waiting import eventually_async
from tests.web.server import GOOD, LARGE, ROOMY, SOON, Address, app, ended, serving

OF_SERVERS = ("insights_exporter.web.", "uvloop.", "starlette.")
LAST = b"GET %b HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
TIMES = 3


async def responses(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, or fail to."""
    if scope["path"] == "/mistake":
        raise ValueError("a mistake")
    await app(scope, receive, send)


def visit(address: Address, request: bytes, context: ssl.SSLContext | None) -> None:
    """Ask, read a while, and go away."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, SOON) as plain,
        context.wrap_socket(plain, server_hostname=address[0]) if context else plain as client,
    ):
        client.sendall(request)
        left = LARGE // 2
        while left > 0 and (piece := client.recv(1 << 20)):
            left -= len(piece)


async def left_behind(
    request: bytes, server: ssl.SSLContext | None, client: ssl.SSLContext | None
) -> list[str]:
    """Name what some visits left that holds itself."""
    async with serving(ROOMY, responses, server) as (running, address):
        tracker = running.tracker
        with collected(*OF_SERVERS) as left:
            for _ in range(TIMES):
                await asyncio.to_thread(visit, address, request, client)
            await eventually_async(lambda: not tracker.connections and not tracker.tasks)
    return left


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"", id="says nothing"),
        pytest.param(b"nonsense\r\n\r\n", id="speaks no HTTP"),
        pytest.param(GOOD[:10], id="leaves amid a request"),
        pytest.param(LAST % b"/hello", id="asks once"),
        pytest.param(GOOD, id="leaves after the answer"),
        pytest.param(GOOD * 3, id="asks three times at once"),
        pytest.param(LAST % b"/mistake", id="meets a mistake"),
        pytest.param(LAST % b"/large", id="leaves amid the answer"),
        pytest.param((LAST % b"/segments").replace(b"close", b"keep") * 3, id="leaves amid three answers"),
    ],
)
def test_connection_is_freed_as_it_ends(request_: bytes, *, secured: bool) -> None:
    """However a connection ends, nothing of it holds itself."""
    contexts = tls() if secured else (None, None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        left = runner.run(left_behind(request_, *contexts))

    assert [] == left


BAD_HANDSHAKES = {
    "sends nothing": b"",
    "leaves amid its first message": HELLO[:50],
    "leaves after its first message": HELLO,
    "speaks HTTP": GOOD,
    "sends a wrong record": b"\x16\x03\x01\x00\x40" + bytes(64),
    "sends wrong records without end": (b"\x16\x03\x01\x40\x00" + bytes(0x4000)) * 3,
    "goes on with a wrong message": HELLO + b"\x14\x03\x03\x00\x01\x01" * 100,
}


async def left_by_handshakes(first: bytes, limits: ServerLimits) -> list[str]:
    """Name what clients left that hold themselves after a handshake that has failed."""
    context = ServerSSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with serving(limits, responses, context) as (running, address):
        tracker = running.tracker
        with collected(*OF_SERVERS, "ssl.") as left:
            for _ in range(TIMES):
                await asyncio.to_thread(send_and_wait, address, first)
            await eventually_async(lambda: not tracker.connections and not tracker.tasks)
    return left


def send_and_wait(address: Address, first: bytes) -> None:
    """Send bytes that are no whole handshake, wait a while for the server's end of it, and leave."""
    with contextlib.suppress(OSError), socket.create_connection(address, SOON) as client:
        client.sendall(first)
        while client.recv(1 << 16):
            client.sendall(first)


@pytest.mark.parametrize("first", BAD_HANDSHAKES.values(), ids=BAD_HANDSHAKES)
def test_failed_handshake_is_freed_as_it_ends(first: bytes) -> None:
    """However a handshake fails, nothing of it holds itself."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        left = runner.run(left_by_handshakes(first, ROOMY))

    assert [] == left


@pytest.mark.parametrize("first", [b"", HELLO[:50], HELLO], ids=["nothing", "a part", "a message"])
def test_handshake_that_is_closed_for_a_newer_one_is_freed(first: bytes) -> None:
    """Nothing of it holds itself."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        left = runner.run(left_by_replaced(first))

    assert [] == left


async def left_by_replaced(first: bytes) -> list[str]:
    """Name what clients left that hold themselves after their handshakes made room for newer ones."""
    context = ServerSSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with serving(replace(ROOMY, connections=1), responses, context) as (running, address):
        tracker = running.tracker
        with collected(*OF_SERVERS, "ssl.") as left:
            clients = [await asyncio.open_connection(*address) for _ in range(TIMES)]
            for _, writer in clients:
                writer.write(first)
            for reader, _ in clients[:-1]:
                await ended(reader)
            for _, writer in clients:
                writer.close()
            await eventually_async(lambda: not tracker.connections and not tracker.tasks)
    return left


def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give the server's and the client's side of TLS."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client
