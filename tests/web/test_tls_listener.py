"""The limits of TLS handshakes, over real sockets."""

import asyncio
import errno
import socket
import ssl
from dataclasses import replace
from typing import NamedTuple

import pytest
import trustme

from tests.integration.waiting import eventually_async
from tests.web.server import GENEROUS, GOOD, SHORT, is_served, read_until_close, serving


class Tls(NamedTuple):
    """The SSL contexts of server and client."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def tls() -> Tls:
    """Return the SSL contexts of server and client."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return Tls(server, client)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "half a hello"])
async def test_incomplete_handshake_is_closed(tls: Tls, sent: bytes) -> None:
    """A connection whose handshake is not completed is closed."""
    async with serving(replace(GENEROUS, head_seconds=SHORT), context=tls.server) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        left = await read_until_close(reader)
        writer.close()

    assert left == b""


async def test_late_first_byte_does_not_prolong_a_handshake(tls: Tls) -> None:
    """A handshake has its time from the connection on, however late its first byte arrives."""
    async with serving(replace(GENEROUS, head_seconds=1.0), context=tls.server) as (_, address):
        clock, begin = asyncio.get_running_loop().time, asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection(*address)
        await eventually_async(lambda: clock() - begin > 0.3)
        later_reader, later_writer = await asyncio.open_connection(*address)
        await eventually_async(lambda: clock() - begin > 0.6)
        writer.write(b"\x16")
        ends = [asyncio.create_task(read_until_close(each)) for each in (reader, later_reader)]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(ends)
        for each in (writer, later_writer):
            each.close()

    assert ends[0] in done


async def test_oldest_handshake_is_closed(tls: Tls) -> None:
    """Handshakes count as connections: above the limit the one that has waited longest is closed."""
    async with serving(replace(GENEROUS, connections=3), context=tls.server) as (server, address):
        first, *others = [await asyncio.open_connection(*address) for _ in range(5)]
        received = await read_until_close(first[0])

        assert received == b""
        assert await is_served(address, tls.client)
        assert len(server.tracker.connections) <= 3
        for _, writer in (first, *others):
            writer.close()


async def test_handshakes_do_not_close_an_accepted_connection(tls: Tls) -> None:
    """Handshakes are closed before a connection that got a response."""
    async with serving(replace(GENEROUS, connections=3), context=tls.server) as (_, address):
        reader, writer = await asyncio.open_connection(*address, ssl=tls.client)
        writer.write(GOOD)
        await reader.readuntil(b"hello")
        strangers = [await asyncio.open_connection(*address) for _ in range(6)]
        for stranger, _ in strangers[:4]:
            assert b"" == await read_until_close(stranger)
        writer.write(GOOD)
        received = await reader.readuntil(b"hello")
        for _, each in (*strangers, (reader, writer)):
            each.close()

    assert received.startswith(b"HTTP/1.1 200 OK")


async def test_requests_after_a_handshake(tls: Tls) -> None:
    """Requests over TLS are served one at a time on persistent connections, which count once."""
    async with serving(replace(GENEROUS, connections=4), context=tls.server) as (server, address):
        clients = [await asyncio.open_connection(*address, ssl=tls.client) for _ in range(4)]
        for reader, writer in clients * 2:
            writer.write(GOOD)
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK")

        assert 4 == len(server.tracker.connections)
        for _, writer in clients:
            writer.close()


async def test_end_does_not_wait_for_handshakes(tls: Tls) -> None:
    """An incomplete handshake does not delay the end of the server."""
    async with serving(GENEROUS, context=tls.server) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        assert await is_served(address, tls.client)

    assert b"" == await read_until_close(reader)
    writer.close()


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        pytest.param(errno.ECONNABORTED, 1000.0, id="of a client"),
        pytest.param(errno.EMFILE, SHORT, id="of all"),
    ],
)
async def test_errors_of_accept(tls: Tls, error: int, pause: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of one client does not delay others; without file descriptors all wait."""
    loop, failures = asyncio.get_running_loop(), [OSError(error, "not now")] * 3
    accept = loop.sock_accept

    async def fail_first(listener: socket.socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", fail_first)
    monkeypatch.setattr("insights_exporter.web.server._ACCEPT_PAUSE", pause)
    async with serving(GENEROUS, context=tls.server) as (_, address), asyncio.timeout(20):
        assert await is_served(address, tls.client)


@pytest.mark.parametrize("error", [errno.EMFILE, errno.EBADF, errno.EINVAL, errno.EPERM])
async def test_lasting_errors_of_accept(tls: Tls, error: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lasting error does not keep the event loop busy."""
    tries = 0

    async def fail(_: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tries
        tries += 1
        raise OSError(error, "not now")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_accept", fail)
    async with serving(GENEROUS, context=tls.server):
        for _ in range(100):
            await asyncio.sleep(0)

    assert 1 == tries


async def test_head_in_two_records(tls: Tls) -> None:
    """A head that arrives in two TLS records at once is read."""
    async with serving(GENEROUS, context=tls.server) as (_, address):
        reader, writer = await asyncio.open_connection(*address, ssl=tls.client)
        writer.write(GOOD[:10])
        writer.write(GOOD[10:])
        async with asyncio.timeout(20):
            received = await reader.readuntil(b"hello")
        writer.close()

    assert received.startswith(b"HTTP/1.1 200 OK")
