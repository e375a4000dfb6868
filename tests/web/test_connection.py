"""What one connection may cost, tried over real sockets."""

import asyncio
import math
import socket
import struct
import sys
from dataclasses import dataclass, field, replace

import pytest
from starlette.types import Receive, Scope, Send

from insights_exporter.web.connection import Connection
from insights_exporter.web.limits import ConnectionTracker, ServerLimits
from insights_exporter.web.response import EXCHANGE, RefusalRenderer
from tests.integration.waiting import eventually_async
from tests.web.server import GOOD, LARGE, ROOMY, SOON, answered, app, deaf, ended, serving


async def test_many_requests_on_one_connection() -> None:
    """A client that behaves keeps its connection, whatever pieces its requests come in."""
    async with serving(ROOMY) as (_, address):
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
    async with serving(ROOMY) as (server, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(head)
        said = await ended(reader)
        writer.close()
        await eventually_async(lambda: not server.tracker.connections)

    assert said.startswith(b"HTTP/1.1 %d " % status)


async def test_head_of_allowed_length() -> None:
    """A head just below the bound is answered."""
    async with serving(ROOMY) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(
            b"GET /hello HTTP/1.1\r\nHost: here\r\nX: " + b"x" * (ROOMY.head_bytes - 50) + b"\r\n\r\n"
        )
        said = await reader.readuntil(b"hello")
        writer.close()

    assert said.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("limits", "request_", "drip"),
    [
        pytest.param(replace(ROOMY, head_seconds=SOON), b"", b"", id="says nothing"),
        pytest.param(
            replace(ROOMY, head_seconds=SOON), b"GET / HTTP/1.1\r\n", b"X: x\r\n", id="drips headers"
        ),
        pytest.param(replace(ROOMY, head_seconds=SOON), b"", b"\r\n", id="drips empty lines"),
        pytest.param(replace(ROOMY, idle_seconds=SOON), GOOD, b"", id="asks no more"),
        pytest.param(replace(ROOMY, idle_seconds=SOON), GOOD, b"\r\n", id="drips between requests"),
        pytest.param(
            replace(ROOMY, head_seconds=SOON),
            b"POST /hello HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\n",
            b"x",
            id="drips a body",
        ),
    ],
)
async def test_connection_ends_by_itself(limits: ServerLimits, request_: bytes, drip: bytes) -> None:
    """A client that keeps a connection and does not ask loses it, however it drips."""
    async with serving(limits) as (server, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(request_)
        await eventually_async(lambda: server.tracker.connections)

        async def dripped() -> bool:
            if drip and server.tracker.connections:
                writer.write(drip)
            return not server.tracker.connections

        await eventually_async(dripped)
        said = await ended(reader)
        writer.close()

    assert said.startswith(b"HTTP/1.1 200") is (request_ == GOOD)


@pytest.mark.parametrize(
    "path", [pytest.param(b"/large", id="a large answer"), pytest.param(b"/hello", id="small ones")]
)
async def test_client_that_does_not_read(path: bytes) -> None:
    """A client that does not read is dropped with what was to be sent to it, and its task ends."""
    limits = replace(ROOMY, response_seconds=SOON, idle_seconds=SOON)
    async with serving(limits) as (server, address):
        with deaf(address, b"GET %b HTTP/1.1\r\nHost: here\r\n\r\n" % path * 3):
            await eventually_async(lambda: server.tracker.connections)
            await eventually_async(lambda: not server.tracker.connections)
            await eventually_async(lambda: not server.tracker.tasks)

        assert await answered(address)


async def test_parts_are_sent_at_once_and_in_order() -> None:
    """All parts of an answer leave in one go, and the answer is over when the client has taken them in."""
    parts, over = [letter.encode() * (LARGE // 8) for letter in "abcdefgh"], asyncio.Event()

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        length = (b"content-length", b"%d" % LARGE)
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await scope["extensions"][EXCHANGE].send_parts(parts)
        await send({"type": "http.response.body", "body": b""})
        over.set()

    async with serving(ROOMY, application) as (_, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        over_too_early = over.is_set()
        body = await ended(reader)
        writer.close()

    assert head.startswith(b"HTTP/1.1 200")
    assert b"".join(parts) == body
    assert over.is_set()
    assert not over_too_early


async def test_idle_connections_make_room() -> None:
    """Above the number of connections the one that has waited longest goes, and newer ones are answered."""
    async with serving(replace(ROOMY, connections=3)) as (server, address):
        first, *others = [await asyncio.open_connection(*address) for _ in range(5)]
        said = await ended(first[0])

        assert said == b""
        assert await answered(address)
        assert len(server.tracker.connections) <= 3
        for _, writer in (first, *others):
            writer.close()


async def test_busy_connections_stay() -> None:
    """A connection whose request is served is not closed while another one only waits."""
    async with serving(replace(ROOMY, connections=2)) as (server, address):
        with deaf(address, b"GET /large HTTP/1.0\r\n\r\n") as busy:
            await eventually_async(lambda: server.tracker.tasks)
            idle = [await asyncio.open_connection(*address) for _ in range(3)]
            await ended(idle[0][0])
            received = await asyncio.to_thread(read_all, busy)
            for _, writer in idle:
                writer.close()

    assert received.endswith(b"x" * 100)
    assert len(received) > LARGE


def read_all(client: socket.socket) -> bytes:
    """Read until the end."""
    return b"".join(iter(lambda: client.recv(1 << 20), b""))


async def test_client_that_leaves_many_answers_behind() -> None:
    """A client that asks many times at once and goes away is no mistake of the application."""
    mistakes: list[Exception] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except Exception as mistake:
            mistakes.append(mistake)
            raise

    async with serving(ROOMY, watched) as (server, address):
        with deaf(address, b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n" * 3):
            await eventually_async(lambda: server.tracker.tasks)
        await eventually_async(lambda: not server.tracker.tasks)

    assert [] == mistakes


@dataclass
class FarSocket:
    """A connection over some distance, as the kernel sees it."""

    round_trip: float = 0.1
    error: OSError | None = None

    def getsockopt(self, _level: int, _option: int, length: int) -> bytes:
        """Return what Linux says of a connection, in so many bytes."""
        if self.error:
            raise self.error
        return struct.pack("68xI", int(self.round_trip * 1e6)).ljust(length, b"\0")


@dataclass
class FarTransport(asyncio.Transport):
    """Keeps what is written until the client takes it."""

    socket: FarSocket = field(default_factory=FarSocket)
    unsent: int = 0
    closed: bool = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return the socket."""
        return self.socket if name == "socket" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing."""

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the client has not taken."""
        return self.unsent

    def writelines(self, list_of_data: object) -> None:  # noqa: ARG002 -- as in the base class
        """Keep 1 MB, whatever is written."""
        self.unsent += 1_000_000

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Close, while data may still come in, as TLS does."""
        self.closed = True

    def abort(self) -> None:
        """Close."""
        self.closed = True


def far(transport: FarTransport) -> tuple[Connection, list[str]]:
    """Return a connection with its transport, and the paths that are requested."""
    paths: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        await app(scope, receive, send)

    connection = Connection(application, ConnectionTracker(ROOMY), RefusalRenderer(list))
    connection.connection_made(transport)
    return connection, paths


def receive(connection: Connection, data: bytes) -> None:
    """Hand data to a connection as the event loop does."""
    memoryview(connection.get_buffer(-1))[: len(data)] = data
    connection.buffer_updated(len(data))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked for the round trip")
@pytest.mark.parametrize(
    ("far_socket", "after", "known"),
    [
        pytest.param(FarSocket(0.0001), 0.009, False, id="near, at once"),
        pytest.param(FarSocket(0.0001), 0.011, True, id="near"),
        pytest.param(FarSocket(0.05), 0.2, False, id="far, within a few round trips"),
        pytest.param(FarSocket(0.05), 0.3, True, id="far"),
        pytest.param(FarSocket(5.0), 0.4, False, id="says that it is very far, soon"),
        pytest.param(FarSocket(5.0), 0.6, True, id="says that it is very far"),
        pytest.param(FarSocket(error=OSError()), 0.4, False, id="unknown, soon"),
        pytest.param(FarSocket(error=OSError()), 0.6, True, id="unknown"),
    ],
)
async def test_reading_rate_shows_after_some_round_trips(
    far_socket: FarSocket, after: float, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that is far away gets time to read; one that never reads gets half a second."""
    now, transport = 1000.0, FarTransport(far_socket)
    loop = asyncio.get_running_loop()
    connection, _ = far(transport)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "time", lambda: now)
        await connection.write([b"all"])
        now += after
        rate = connection.reading_rate()
        transport.unsent -= 500_000
        faster = connection.reading_rate()
    connection.connection_lost(None)

    expected = (0.0, pytest.approx(500_000 / after)) if known else (math.inf, math.inf)
    assert expected == (rate, faster)


async def test_requests_after_the_end_are_not_served() -> None:
    """What arrives while a connection is being closed, as TLS lets it, is not served."""
    connection, paths = far(FarTransport())
    connection.shutdown()
    receive(connection, GOOD)
    await asyncio.sleep(0)
    connection.connection_lost(None)

    assert [] == paths


async def test_what_is_received_in_two_steps() -> None:
    """The buffer can be sliced without a copy: asyncio reads further TLS records into a slice of it."""
    connection, paths = far(FarTransport())
    buffer = connection.get_buffer(-1)
    buffer[:10] = GOOD[:10]
    buffer[10:][: len(GOOD) - 10] = GOOD[10:]
    connection.buffer_updated(len(GOOD))
    await asyncio.sleep(0)
    connection.connection_lost(None)

    assert ["/hello"] == paths
