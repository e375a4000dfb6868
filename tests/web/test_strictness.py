"""One request at a time, and an end for every connection, over real sockets."""

import asyncio
import socket
import ssl
from contextlib import ExitStack
from dataclasses import replace
from math import inf

import pytest
import trustme
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from insights_exporter.web.limits import SLOW
from insights_exporter.web.response import EXCHANGE
from insights_exporter.web.server import Server
from tests.integration.waiting import eventually_async
from tests.web.server import GENEROUS, GOOD, LONG, Address, is_served, read_until_close, serving, unread

MANY = 20_000
POST = b"POST /hello HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n"


async def exchange(address: Address, sent: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes on a new connection and return all that is received."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)
    if half_close:
        writer.write_eof()
    received = await read_until_close(reader)
    writer.close()
    return received


@pytest.mark.parametrize("first", [b"", GOOD], ids=["at once", "while one is served"])
async def test_requests_wait_in_the_socket(first: bytes) -> None:
    """Pipelined requests are served one at a time, and no more is read meanwhile."""
    serve, running, most, served = asyncio.Event(), 0, 0, 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal running, most, served
        running, served = running + 1, served + 1
        most = max(most, running)
        await serve.wait()
        await PlainTextResponse("hello")(scope, receive, send)
        running -= 1

    async with serving(GENEROUS, app) as (server, address):
        with socket.create_connection(address) as client:
            client.sendall(first)
            await eventually_async(lambda: served or not first)
            client.settimeout(0)
            whole = GOOD * MANY
            await eventually_async(lambda: blocked(client, whole))
            await eventually_async(lambda: served)
            waiting = served
            serve.set()
            reader, writer = await asyncio.open_connection(sock=client)
            for _ in range(100):
                await reader.readuntil(b"hello")
            writer.transport.abort()
        await eventually_async(lambda: not server.tracker.tasks)

    assert (1, 1) == (waiting, most)


def blocked(client: socket.socket, whole: bytes) -> bool:
    """Send until the server reads no more; return whether that was before the end."""
    left = memoryview(whole)
    try:
        while left:
            left = left[client.send(left) :]
    except BlockingIOError:
        return True
    return False


@pytest.mark.parametrize(
    ("sent", "half_close", "bodies"),
    [
        pytest.param(GOOD, True, 1, id="a client that closes its side"),
        pytest.param(b"\r\n" + GOOD, True, 1, id="an empty line before"),
        pytest.param(b"GET /hello HTTP/1.0\r\n\r\n" * 2, False, 1, id="HTTP/1.0 ends after one"),
        pytest.param(POST % 3 + b"abc" + GOOD, False, 1, id="nothing after a body"),
        pytest.param(POST % 0 + GOOD, True, 2, id="an empty body is none"),
        pytest.param(GOOD.replace(b"GET", b"HEAD").replace(b"1.1", b"1.0"), False, 0, id="HEAD"),
    ],
)
async def test_how_a_connection_ends(sent: bytes, half_close: bool, bodies: int) -> None:
    """Each response is complete, and no request is read after the last one."""
    async with serving(GENEROUS) as (_, address):
        received = await exchange(address, sent, half_close=half_close)

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert bodies == received.count(b"hello")


async def test_half_closed_client_gets_its_response() -> None:
    """A client that has closed its side before the response is ready still gets it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await eventually_async(lambda: scope["extensions"][EXCHANGE].peer.is_disconnected)
        await PlainTextResponse("hello")(scope, receive, send)

    async with serving(GENEROUS, app) as (_, address):
        received = await exchange(address, GOOD, half_close=True)

    assert received.endswith(b"hello")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00", 400, id="TLS"),
        pytest.param(b"\r\n\r\n", 400, id="empty lines"),
        pytest.param(b"GET / HTTP/1.1\n", 400, id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: here\n", 400, id="bare LF later"),
        pytest.param(POST % 5000 + b"x" * 5000, 413, id="large body"),
        pytest.param(GOOD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"), 411, id="chunked"),
    ],
)
async def test_invalid_requests_are_rejected_at_once(sent: bytes, status: int) -> None:
    """An invalid request is refused before it is complete, and the connection is closed."""
    async with serving(replace(GENEROUS, linger_seconds=0.1)) as (_, address):
        received = await exchange(address, sent)

    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close\r\n" in received


async def test_request_is_cancelled_when_its_client_leaves() -> None:
    """A request is cancelled if its client disconnects."""
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with serving(GENEROUS, app) as (server, address):
        _, writer = await asyncio.open_connection(*address)
        writer.write(GOOD)
        await begun.wait()
        linger = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        await cancelled.wait()
        await eventually_async(lambda: not server.tracker.tasks)


@pytest.mark.parametrize("refused", [b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", b"?"], ids=["401", "400"])
async def test_refused_clients_are_closed_first(refused: bytes) -> None:
    """Any number of clients that get only errors do not close the connection of an accepted one."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        status = 200 if scope["path"] == "/hello" else 401
        await PlainTextResponse("hello", status)(scope, receive, send)

    limits = replace(GENEROUS, connections=3, linger_seconds=LONG)
    async with serving(limits, app) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(GOOD)
        received = [await reader.readuntil(b"hello")]
        strangers = []
        for _ in range(6):
            strangers.append(await asyncio.open_connection(*address))
            strangers[-1][1].write(refused)
            await strangers[-1][0].readuntil(b"\r\n\r\n")
        writer.write(GOOD)
        received.append(await reader.readuntil(b"hello"))
        for _, each in (*strangers, (reader, writer)):
            each.close()

    assert [b"HTTP/1.1 200 OK"] * 2 == [each[:15] for each in received]


@pytest.mark.parametrize("first", [429, 503])
async def test_clients_that_must_retry_are_not_closed_first(first: int) -> None:
    """A client whose first login could not be checked keeps its connection while others are refused."""
    statuses = {"/retry": first, "/hello": 200}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("hello", statuses.get(scope["path"], 401))(scope, receive, send)

    async with serving(replace(GENEROUS, connections=3), app) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(GOOD.replace(b"hello", b"retry"))
        received = [await reader.readuntil(b"hello")]
        strangers = []
        for _ in range(6):
            strangers.append(await asyncio.open_connection(*address))
            strangers[-1][1].write(GOOD.replace(b"hello", b"refused"))
            await strangers[-1][0].readuntil(b"hello")
        writer.write(GOOD)
        received.append(await reader.readuntil(b"hello"))
        for _, each in (*strangers, (reader, writer)):
            each.close()

    assert [b"HTTP/1.1 %d" % first, b"HTTP/1.1 200"] == [each[:12] for each in received]


async def test_slow_readers_are_closed() -> None:
    """If all connections are being served, those of clients that do not read are closed for new ones."""
    async with serving(replace(GENEROUS, connections=2)) as (server, address):
        large = b"GET /large HTTP/1.0\r\n\r\n"
        with unread(address, large), unread(address, large):
            await eventually_async(lambda: len(server.tracker.responding) == 2)
            assert await is_served(address)


async def test_new_client_is_served_among_slow_readers() -> None:
    """Clients that do not read never close the connection of one whose response is not ready yet."""
    ready, bodies = asyncio.Event(), {"/hello": b"hello"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in bodies:
            await ready.wait()
        await PlainTextResponse(bodies.get(scope["path"], b"x" * 1_000_000))(scope, receive, send)

    limits = replace(GENEROUS, connections=10)
    async with serving(limits, app, send_bytes=4096) as (server, address):
        with ExitStack() as slow_readers:

            async def add_slow_reader() -> None:
                client = slow_readers.enter_context(unread(address, b"GET / HTTP/1.0\r\n\r\n", 4096))
                await eventually_async(lambda: measure_rates(server).get(client.getsockname(), inf) < SLOW)

            for _ in range(limits.connections):
                await add_slow_reader()
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET /hello HTTP/1.0\r\n\r\n")
            await eventually_async(lambda: writer.get_extra_info("sockname") in measure_rates(server))
            for _ in range(limits.connections):
                await add_slow_reader()
            ready.set()
            received = await read_until_close(reader)
            writer.close()

    assert received.endswith(b"hello")


def measure_rates(server: Server) -> dict[object, float]:
    """Return how fast the clients whose requests are being served read, by their addresses."""
    return {client.remote_address: client.measure_reading_rate() for client in server.tracker.responding}


async def test_last_response_is_sent_to_its_end() -> None:
    """A connection that ends after its response waits for a client that reads late."""
    body, responded = b"x" * 50_000, asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(body)(scope, receive, send)
        responded.set()

    limits = replace(GENEROUS, linger_seconds=0)
    async with serving(limits, app, send_bytes=4096) as (server, address):
        with unread(address, b"GET / HTTP/1.0\r\n\r\n", receive_bytes=4096) as client:
            await responded.wait()
            await eventually_async(lambda: not server.tracker.responding)
            client.settimeout(0)
            reader, writer = await asyncio.open_connection(sock=client)
            received = await read_until_close(reader)
            writer.close()

    assert received.endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("begins", "expected"),
    [pytest.param(False, b"HTTP/1.1 500 ", id="before"), pytest.param(True, b"", id="amid")],
)
async def test_failing_application(begins: bool, expected: bytes) -> None:
    """An error of the application is reported, and the response is 500 or cut off."""
    reported: list[object] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("an error")

    async with serving(GENEROUS, app) as (_, address):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
        received = await exchange(address, GOOD)

    assert (expected, 1) == (received[: len(b"HTTP/1.1 500 ")], len(reported))


async def test_response_of_wrong_length_is_cut_off() -> None:
    """A response that is shorter than its Content-Length closes the connection."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"short"})

    async with serving(GENEROUS, app) as (_, address):
        assert b"" == await exchange(address, GOOD * 2)


async def test_plain_http_on_the_tls_port() -> None:
    """Plain HTTP on the TLS port gets a response at once, and the connection is closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with serving(GENEROUS, context=context) as (server, address):
        received = await exchange(address, GOOD)
        await eventually_async(lambda: not server.tracker.connections)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(b"This port speaks HTTPS: begin the address with https://\n")


async def test_refused_client_may_send_little_more() -> None:
    """A refused client can read its response while it sends, within a limit of bytes."""
    limits = replace(GENEROUS, linger_seconds=LONG, linger_bytes=100_000)
    async with serving(limits) as (server, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(POST % 5000)
        received = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"x" * 50_000)
        await writer.drain()
        kept = len(server.tracker.connections)
        writer.write(b"x" * 1_000_000)
        await eventually_async(lambda: not server.tracker.connections)
        writer.close()

    assert received.startswith(b"HTTP/1.1 413 ")
    assert kept == 1
