"""Connections leave nothing for the garbage collector, whose work would keep scrapes waiting."""

import asyncio
import contextlib
import socket
import ssl

import pytest
import trustme
import uvloop
from starlette.types import Receive, Scope, Send

from tests.peers.garbage import collected
from tests.peers.waiting import eventually_async
from tests.web.serving import GOOD, LARGE, ROOMY, SOON, Address, app, serving

OF_SERVERS = ("insights_exporter.web.", "uvloop.", "starlette.")
LAST = b"GET %b HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
TIMES = 3


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
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
    async with serving(ROOMY, answers, server) as (running, address):
        tracker = running.tracker
        with collected(*OF_SERVERS) as left:
            for _ in range(TIMES):
                await asyncio.to_thread(visit, address, request, client)
            await eventually_async(lambda: not tracker.open and not tracker.tasks)
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


def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give the server's and the client's side of TLS."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client
