"""The limits of a connection, over real sockets."""

import asyncio
import math
import socket
import struct
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from insights_exporter.web.connection import Connection
from insights_exporter.web.limits import ConnectionTracker, ServerLimits
from insights_exporter.web.response import EXCHANGE
from tests.integration.waiting import eventually_async
from tests.web.server import GENEROUS, GOOD, LARGE, SHORT, app, is_served, read_until_close, serving, unread


async def test_many_requests_on_one_connection() -> None:
    """A well-behaved client keeps its connection, however its requests are split."""
    async with serving(GENEROUS) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(GOOD + GOOD[:10])
        first = await reader.readuntil(b"hello")
        writer.write(GOOD[10:] + GOOD + GOOD)
        others = [await reader.readuntil(b"hello") for _ in range(3)]
        writer.close()

    assert all(response.startswith(b"HTTP/1.1 200 OK") for response in (first, *others))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"GET /" + b"x" * 900_000, 414, id="an endless target"),
        pytest.param(b"GET /?" + b"name[]=x&" * 90_000 + b" HTTP/1.1\r\n\r\n", 414, id="90 000 names"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * 900_000, 431, id="an endless header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 150_000, 431, id="endless headers"),
    ],
)
async def test_head_of_a_request_is_bounded(head: bytes, status: int) -> None:
    """A request with too long a head is refused while it is still being sent."""
    async with serving(GENEROUS) as (server, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head)
        received = await read_until_close(reader)
        writer.close()
        await eventually_async(lambda: not server.tracker.connections)

    assert received.startswith(b"HTTP/1.1 %d " % status)


async def test_head_of_allowed_length() -> None:
    """A head just below the limit is served."""
    async with serving(GENEROUS) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(
            b"GET /hello HTTP/1.1\r\nHost: here\r\nX: " + b"x" * (GENEROUS.head_bytes - 50) + b"\r\n\r\n"
        )
        received = await reader.readuntil(b"hello")
        writer.close()

    assert received.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("limits", "request_", "part"),
    [
        pytest.param(
            replace(GENEROUS, head_seconds=SHORT, linger_seconds=SHORT), b"", b"", id="sends nothing"
        ),
        pytest.param(
            replace(GENEROUS, head_seconds=SHORT, linger_seconds=SHORT),
            b"GET / HTTP/1.1\r\n",
            b"X: x\r\n",
            id="sends single headers",
        ),
        pytest.param(
            replace(GENEROUS, head_seconds=SHORT, linger_seconds=SHORT), b"", b"\r\n", id="sends empty lines"
        ),
        pytest.param(
            replace(GENEROUS, idle_seconds=SHORT, linger_seconds=SHORT), GOOD, b"", id="no further request"
        ),
        pytest.param(
            replace(GENEROUS, idle_seconds=SHORT, linger_seconds=SHORT),
            GOOD,
            b"\r\n",
            id="sends empty lines between requests",
        ),
        pytest.param(
            replace(GENEROUS, head_seconds=SHORT, linger_seconds=SHORT),
            b"POST /hello HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n",
            b"x",
            id="sends a body in single bytes",
        ),
    ],
)
async def test_idle_connection_is_closed(limits: ServerLimits, request_: bytes, part: bytes) -> None:
    """A connection without a complete request is closed, even if the client sends single bytes."""
    async with serving(limits) as (server, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(request_)
        await eventually_async(lambda: server.tracker.peak)

        async def send_part() -> bool:
            if part and server.tracker.connections:
                writer.write(part)
            return not server.tracker.connections

        await eventually_async(send_part)
        received = await read_until_close(reader)
        writer.close()

    assert received.startswith(b"HTTP/1.1 200") is (request_ == GOOD)


@pytest.mark.parametrize(
    "path", [pytest.param(b"/large", id="a large response"), pytest.param(b"/hello", id="small ones")]
)
async def test_client_that_does_not_read(path: bytes) -> None:
    """The connection of a client that does not read is closed, and its task ends."""
    limits = replace(GENEROUS, response_seconds=SHORT, idle_seconds=SHORT)
    async with serving(limits) as (server, address):
        with unread(address, b"GET %b HTTP/1.1\r\nHost: here\r\n\r\n" % path * 3):
            await eventually_async(lambda: server.tracker.peak and not server.tracker.connections)
            await eventually_async(lambda: not server.tracker.tasks)

        assert await is_served(address)


def count_unsent(port: int) -> int:
    """Return how many bytes the kernel holds for the clients of a port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    queues = [queues for _, local, _, _, queues, *_ in lines if int(local.partition(":")[2], 16) == port]
    return sum(int(sending, 16) for sending, _, _ in (each.partition(":") for each in queues))


@pytest.mark.skipif(sys.platform != "linux", reason="an option of Linux")
async def test_kernel_drops_a_response_that_is_not_read() -> None:
    """A complete response, whose connection is closed, is kept no longer than one that is being sent."""
    limits = replace(GENEROUS, response_seconds=0.5)
    async with serving(limits, PlainTextResponse(b"x" * (1 << 18))) as (server, address):
        with unread(address, b"GET / HTTP/1.0\r\n\r\n", receive_bytes=4096):
            await eventually_async(lambda: server.tracker.peak and not server.tracker.connections)
            held = count_unsent(address[1])
            await eventually_async(lambda: not count_unsent(address[1]))

    assert held > 0


@pytest.mark.parametrize(
    ("count", "buffer"),
    [pytest.param(500, 4096, id="a few bytes at a time"), pytest.param(1 << 18, 0, id="fast")],
)
async def test_client_that_never_stops_reading(count: int, buffer: int) -> None:
    """A client that reads again and again is disconnected when the time for its response is over."""
    received = 0

    def read_to_end(client: socket.socket) -> bool:
        nonlocal received
        try:
            data = client.recv(count)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        received += len(data)
        return not data

    limits = replace(GENEROUS, response_seconds=0.5)
    async with serving(limits, send_bytes=buffer) as (server, address):
        with unread(address, b"GET /segments HTTP/1.0\r\n\r\n", receive_bytes=buffer) as client:
            client.settimeout(0)
            await eventually_async(lambda: server.tracker.tasks)
            await eventually_async(lambda: read_to_end(client))
        await eventually_async(lambda: not server.tracker.tasks)

    assert 0 < received < LARGE


async def test_parts_are_sent_at_once_and_in_order() -> None:
    """All parts of a response are sent at once, and the response ends when the client has read them."""
    parts, over = [letter.encode() * (LARGE // 8) for letter in "abcdefgh"], asyncio.Event()

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        length = (b"content-length", b"%d" % LARGE)
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await scope["extensions"][EXCHANGE].send_parts(parts)
        await send({"type": "http.response.body", "body": b""})
        over.set()

    async with serving(GENEROUS, application) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        over_too_early = over.is_set()
        body = await read_until_close(reader)
        writer.close()

    assert head.startswith(b"HTTP/1.1 200")
    assert b"".join(parts) == body
    assert over.is_set()
    assert not over_too_early


async def test_oldest_idle_connection_is_closed() -> None:
    """Above the limit the connection that has waited longest is closed, and newer ones are served."""
    async with serving(replace(GENEROUS, connections=3)) as (server, address):
        first, *others = [await asyncio.open_connection(*address) for _ in range(5)]
        received = await read_until_close(first[0])

        assert received == b""
        assert await is_served(address)
        assert len(server.tracker.connections) <= 3
        for _, writer in (first, *others):
            writer.close()


async def test_busy_connections_stay() -> None:
    """A connection whose request is served is not closed while another one only waits."""
    async with serving(replace(GENEROUS, connections=2)) as (server, address):
        with unread(address, b"GET /large HTTP/1.0\r\n\r\n") as busy:
            await eventually_async(lambda: server.tracker.tasks)
            idle = [await asyncio.open_connection(*address) for _ in range(3)]
            await read_until_close(idle[0][0])
            received = await asyncio.to_thread(read_all, busy)
            for _, writer in idle:
                writer.close()

    assert received.endswith(b"x" * 100)
    assert len(received) > LARGE


def read_all(client: socket.socket) -> bytes:
    """Read until the end."""
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


async def test_client_that_disconnects_with_pipelined_requests() -> None:
    """A client that pipelines requests and disconnects causes no error of the application."""
    errors: list[Exception] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception as error:
            errors.append(error)
            raise

    async with serving(GENEROUS, watched) as (server, address):
        with unread(address, b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n" * 3):
            await eventually_async(lambda: server.tracker.tasks)
        await eventually_async(lambda: not server.tracker.tasks)

    assert [] == errors


@dataclass
class DistantSocket:
    """A socket with a round-trip time."""

    round_trip: float = 0.1
    error: OSError | None = None

    def getsockopt(self, _level: int, _option: int, length: int) -> bytes:
        """Return TCP_INFO with the round-trip time."""
        if self.error:
            raise self.error
        return struct.pack("68xI", int(self.round_trip * 1e6)).ljust(length, b"\0")


@dataclass
class DistantTransport(asyncio.Transport):
    """Holds what is written until the client reads it."""

    socket: DistantSocket = field(default_factory=DistantSocket)
    unsent: int = 0
    closed: bool = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return the socket."""
        return self.socket if name == "socket" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing."""

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the client has not read."""
        return self.unsent

    def writelines(self, list_of_data: object) -> None:  # noqa: ARG002 -- as in the base class
        """Count 1 MB for each write."""
        self.unsent += 1_000_000

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Close, while data may still arrive, as with TLS."""
        self.closed = True

    def abort(self) -> None:
        """Close."""
        self.closed = True


def connect_distant(transport: DistantTransport) -> tuple[Connection, list[str]]:
    """Return a connection with its transport, and the paths that are requested."""
    paths: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        await app(scope, receive, send)

    connection = Connection(application, ConnectionTracker(GENEROUS), list)
    connection.connection_made(transport)
    return connection, paths


def receive(connection: Connection, data: bytes) -> None:
    """Pass data to a connection as the event loop does."""
    memoryview(connection.get_buffer(-1))[: len(data)] = data
    connection.buffer_updated(len(data))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the round trip")
@pytest.mark.parametrize(
    ("distant_socket", "after", "known"),
    [
        pytest.param(DistantSocket(0.0001), 0.009, False, id="near, at once"),
        pytest.param(DistantSocket(0.0001), 0.011, True, id="near"),
        pytest.param(DistantSocket(0.05), 0.2, False, id="far, within a few round trips"),
        pytest.param(DistantSocket(0.05), 0.3, True, id="far"),
        pytest.param(DistantSocket(5.0), 0.4, False, id="very far, soon"),
        pytest.param(DistantSocket(5.0), 0.6, True, id="very far"),
        pytest.param(DistantSocket(error=OSError()), 0.4, False, id="unknown, soon"),
        pytest.param(DistantSocket(error=OSError()), 0.6, True, id="unknown"),
    ],
)
async def test_reading_rate_is_known_after_some_round_trips(
    distant_socket: DistantSocket, after: float, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rate of a distant client is known after some round trips, at the latest after half a second."""
    now, transport = 1000.0, DistantTransport(distant_socket)
    loop = asyncio.get_running_loop()
    connection, _ = connect_distant(transport)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "time", lambda: now)
        await connection.write([b"all"])
        now += after
        rate = connection.measure_reading_rate()
        transport.unsent -= 500_000
        faster = connection.measure_reading_rate()
    connection.connection_lost(None)

    expected = (0.0, pytest.approx(500_000 / after)) if known else (math.inf, math.inf)
    assert expected == (rate, faster)


async def test_requests_after_the_end_are_not_served() -> None:
    """A request that arrives while a TLS connection is being closed is not served."""
    connection, paths = connect_distant(DistantTransport())
    connection.shutdown()
    receive(connection, GOOD)
    await asyncio.sleep(0)
    connection.connection_lost(None)

    assert [] == paths


async def test_buffer_can_be_sliced() -> None:
    """The buffer can be sliced without a copy: asyncio reads further TLS records into a slice of it."""
    connection, paths = connect_distant(DistantTransport())
    buffer = connection.get_buffer(-1)
    buffer[:10] = GOOD[:10]
    buffer[10:][: len(GOOD) - 10] = GOOD[10:]
    connection.buffer_updated(len(GOOD))
    await asyncio.sleep(0)
    connection.connection_lost(None)

    assert ["/hello"] == paths
