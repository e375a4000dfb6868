"""What a client may cost that is still shaking hands, tried over real sockets."""

import asyncio
import errno
import socket
import ssl
from dataclasses import replace
from typing import NamedTuple

import pytest
import trustme

from tests.web.server import GOOD, ROOMY, SOON, answered, ended, serving


class Tls(NamedTuple):
    """What the two sides of a TLS connection need."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def tls() -> Tls:
    """Give the two sides of TLS."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return Tls(server, client)


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "half a greeting"])
async def test_handshakes_end_by_themselves(tls: Tls, said: bytes) -> None:
    """A client that does not finish its handshake loses its connection."""
    async with serving(replace(ROOMY, head_seconds=SOON), context=tls.server) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(said)
        left = await ended(reader)
        writer.close()

    assert left == b""


async def test_handshakes_make_room(tls: Tls) -> None:
    """Those that shake hands count as connections: above the number the longest waiting one goes."""
    async with serving(replace(ROOMY, connections=3), context=tls.server) as (server, address):
        first, *others = [await asyncio.open_connection(*address) for _ in range(5)]
        said = await ended(first[0])

        assert said == b""
        assert await answered(address, tls.client)
        assert len(server.tracker.connections) <= 3
        for _, writer in (first, *others):
            writer.close()


async def test_handshakes_take_no_place_of_an_accepted_client(tls: Tls) -> None:
    """Those that only shake hands give way to each other before a client that got its response."""
    async with serving(replace(ROOMY, connections=3), context=tls.server) as (_, address):
        reader, writer = await asyncio.open_connection(*address, ssl=tls.client)
        writer.write(GOOD)
        await reader.readuntil(b"hello")
        strangers = [await asyncio.open_connection(*address) for _ in range(6)]
        for stranger, _ in strangers[:4]:
            assert b"" == await ended(stranger)
        writer.write(GOOD)
        received = await reader.readuntil(b"hello")
        for _, each in (*strangers, (reader, writer)):
            each.close()

    assert received.startswith(b"HTTP/1.1 200 OK")


async def test_what_is_said_right_after_a_handshake(tls: Tls) -> None:
    """Requests over TLS are answered one after the other, on connections that stay; all are counted once."""
    async with serving(replace(ROOMY, connections=4), context=tls.server) as (server, address):
        clients = [await asyncio.open_connection(*address, ssl=tls.client) for _ in range(4)]
        for reader, writer in clients * 2:
            writer.write(GOOD)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK")

        assert 4 == len(server.tracker.connections)
        for _, writer in clients:
            writer.close()


async def test_end_does_not_wait_for_handshakes(tls: Tls) -> None:
    """A client that shakes hands for ever keeps no server from ending."""
    async with serving(ROOMY, context=tls.server) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        assert await answered(address, tls.client)

    assert b"" == await ended(reader)
    writer.close()


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        pytest.param(errno.ECONNABORTED, 1000.0, id="of a client"),
        pytest.param(errno.EMFILE, SOON, id="of all"),
    ],
)
async def test_errors_of_accept(tls: Tls, error: int, pause: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that concerns one client keeps no other one waiting; if no file may be opened, all wait."""
    loop, failures = asyncio.get_running_loop(), [OSError(error, "not now")] * 3
    accept = loop.sock_accept

    async def fail_first(listener: socket.socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", fail_first)
    monkeypatch.setattr("insights_exporter.web.server._ACCEPT_PAUSE", pause)
    async with serving(ROOMY, context=tls.server) as (_, address), asyncio.timeout(20):
        assert await answered(address, tls.client)


@pytest.mark.parametrize("error", [errno.EMFILE, errno.EBADF, errno.EINVAL, errno.EPERM])
async def test_lasting_errors_of_accept(tls: Tls, error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that may stay does not keep the event loop busy."""
    tries = 0

    async def fail(_: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tries
        tries += 1
        raise OSError(error, "not now")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_accept", fail)
    async with serving(ROOMY, context=tls.server):
        for _ in range(100):
            await asyncio.sleep(0)

    assert 1 == tries


async def test_head_in_two_records(tls: Tls) -> None:
    """A head is read whole if two TLS records bring it at the same time."""
    async with serving(ROOMY, context=tls.server) as (_, address):
        reader, writer = await asyncio.open_connection(*address, ssl=tls.client)
        writer.write(GOOD[:10])
        writer.write(GOOD[10:])
        async with asyncio.timeout(20):
            received = await reader.readuntil(b"hello")
        writer.close()

    assert received.startswith(b"HTTP/1.1 200 OK")
