"""Record days of a running exporter in minutes: its event loop skips idle time.

The exporter is the installed command, and scrapes are real requests. When
nothing is ready, the clock advances to the next timer. Work is not skipped, so
durations are those of this machine. The embedded Coder runs in a separate
process, so that it does not count as the exporter's memory.
"""

import asyncio
import multiprocessing
import selectors
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, create_server, socket
from typing import IO, Any, Final
from unittest.mock import patch

import httpx
import time_machine

from insights_exporter.cli import main
from insights_exporter.demo import EmbeddedCoder, serve

GRACE: Final = 0.002
"""Seconds without any event after which the loop is idle until the next timer."""

GRACE_AFTER_RESPONSE: Final = 0.02
"""The same while a response may be on its way over loopback, also on a busy machine."""

SCRAPE_INTERVAL: Final = 150
"""Seconds; a rate over Grafana's five minutes then has at least two samples."""

USERS_SINCE: Final = timedelta(hours=1)
"""Time before the end in which per-user series are kept; panels only show their last values."""

HOST: Final = "127.0.0.1"
UNAVAILABLE: Final = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which requests to a path get 503."""

    path: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording of an exporter with `config`, from `start` to `end`.

    `{url}` in `config` is replaced by the address of the embedded Coder. `labels`
    are added to each sample, as by a scrape. `make_coder` is called in another process.
    """

    make_coder: Callable[[], EmbeddedCoder]
    config: str
    start: datetime
    end: datetime
    labels: str
    outage: Outage | None = None


def record(recording: Recording, folder: Path) -> Path:
    """Run the exporter from start to end and return an OpenMetrics file of its scraped samples.

    Call it once per process: modules keep the clock that they were imported with.
    """
    config, file = folder / "live.yml", folder / "live.om"
    with (
        _start_coder(recording.make_coder) as coder,
        create_server((HOST, 0)) as listener,
        file.open("w", encoding="utf-8") as lines,
        _skip_idle_time(recording.start) as clock,
    ):
        listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # otherwise the kernel may wait 40 ms
        config.write_text(recording.config.replace("{url}", _format_url(listener)), encoding="utf-8")
        config.chmod(0o600)
        with create_server((HOST, 0)) as free:
            address = _format_url(free).removeprefix("http://")

        def begin() -> asyncio.AbstractEventLoop:
            loop = asyncio.SelectorEventLoop(_Selector(clock))
            forward = partial(_forward, coder, recording.outage, clock)
            work = (asyncio.start_server(forward, sock=listener), _scrape(recording, address, lines))
            tasks.extend(loop.create_task(each) for each in work)
            return loop

        tasks: list[asyncio.Task[Any]] = []

        arguments = ["insights-exporter", f"--config.file={config}", f"--web.listen-address={address}"]
        with patch("uvloop.new_event_loop", begin), patch("sys.argv", arguments), suppress(SystemExit):
            main()
        lines.write("# EOF\n")
    return file


def _format_url(listener: socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


class _Clock:
    """A clock that adds the skipped time to the real time."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._monotonic = time.monotonic
        self._skipped = 0.0
        self.grace = GRACE
        self.requests = 0

    def skip(self, seconds: float) -> None:
        self.grace = GRACE
        self._skipped += seconds
        self._traveller.shift(seconds)

    def monotonic(self) -> float:
        return self._monotonic() + self._skipped


class _Selector(selectors.DefaultSelector):
    """Waits for sockets only while data may be on its way, and skips the remaining time."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        grace = self._clock.grace
        ready = super().select(grace if timeout is None else min(timeout, grace))
        if not ready and timeout is not None and timeout > grace and not self._clock.requests:
            self._clock.skip(timeout - grace)
        return ready


@contextmanager
def _skip_idle_time(start: datetime) -> Iterator[_Clock]:
    """Set the time to `start`, and yield the clock for the event loop."""
    with time_machine.travel(start, tick=True) as traveller:
        clock = _Clock(traveller)
        with (
            patch.object(ThreadPoolExecutor, "submit", _run_now),
            patch("time.monotonic", clock.monotonic),
            patch.object(httpx.AsyncClient, "send", _count_requests(httpx.AsyncClient.send, clock)),
        ):
            yield clock


def _count_requests(send: Callable[..., Awaitable[httpx.Response]], clock: _Clock) -> Callable[..., Any]:
    """Return a client's `send` during which no time is skipped."""

    async def counted(*args: Any, **kwargs: Any) -> httpx.Response:  # noqa: ANN401  as the client's own
        clock.requests += 1
        try:
            return await send(*args, **kwargs)
        finally:
            clock.requests -= 1

    return counted


def _run_now(_: ThreadPoolExecutor, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401  as in the base
    """Run the work of other threads in this one, so that no time is skipped during it."""
    done: Future[Any] = Future()
    try:
        done.set_result(call(*args, **kwargs))
    except Exception as error:  # noqa: BLE001  for the caller that waits for the result
        done.set_exception(error)
    return done


class _Coder:
    """An embedded Coder in another process; no time is skipped during its requests."""

    def __init__(self, address: str, now: Any) -> None:  # noqa: ANN401  multiprocessing has no name for its type
        self._connection = HTTPConnection(address)
        self._now = now

    def response(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        """Return the raw response to a request."""
        self._now.value = time.time()
        self._connection.request(method, path, headers=headers)
        response = self._connection.getresponse()
        body = response.read()
        head = [f"HTTP/1.1 {response.status} {response.reason}"]
        own = ("content-length", "connection", "transfer-encoding")
        head += [f"{name}: {value}" for name, value in response.getheaders() if name.lower() not in own]
        return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


@contextmanager
def _start_coder(make_coder: Callable[[], EmbeddedCoder]) -> Iterator[_Coder]:
    context = multiprocessing.get_context("spawn")
    now, (ours, theirs) = context.Value("d"), context.Pipe()
    process = context.Process(target=_serve_coder, args=(make_coder, now, theirs), daemon=True)
    process.start()
    yield _Coder(ours.recv().removeprefix("http://"), now)
    ours.send("end")
    process.join()


def _serve_coder(make_coder: Callable[[], EmbeddedCoder], now: Any, connection: Connection) -> None:  # noqa: ANN401  as above
    coder = make_coder()
    coder.now = lambda: datetime.fromtimestamp(now.value, UTC)
    with serve(coder) as url:
        connection.send(url)
        connection.recv()


async def _forward(
    coder: _Coder,
    outage: Outage | None,
    clock: _Clock,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Forward the requests of a connection to Coder, one by one."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.strip().split("\r\n")
            method, path, _ = request.split(" ")
            failing = outage and outage.path in path and outage.start <= datetime.now(UTC) < outage.end
            headers = dict(line.split(": ", 1) for line in lines)
            writer.write(UNAVAILABLE if failing else coder.response(method, path, headers))
            clock.grace = GRACE_AFTER_RESPONSE
            await writer.drain()


async def _scrape(recording: Recording, address: str, lines: IO[str]) -> None:
    """Scrape until the recording ends, then stop the exporter."""
    while datetime.now(UTC) < recording.end:
        await asyncio.sleep(SCRAPE_INTERVAL)
        begun, now = time.perf_counter(), int(time.time())
        text = await _fetch_metrics(address)
        text += f"up 1\nscrape_duration_seconds {time.perf_counter() - begun}\n"
        if datetime.now(UTC) < recording.end - USERS_SINCE:
            text = _drop_users(text)
        lines.writelines(_add_target(text, recording.labels, now))
    signal.raise_signal(signal.SIGTERM)


async def _fetch_metrics(address: str) -> str:
    """Scrape over plain sockets: an HTTP client's memory would count as the exporter's."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    if b" 200 " not in head.splitlines()[0]:
        raise RuntimeError(f"the exporter responded with {head!r}")
    return body.decode()


def _drop_users(exposition: str) -> str:
    return "".join(line for line in exposition.splitlines(keepends=True) if ',username="' not in line)


def _add_target(exposition: str, labels: str, at: int) -> Iterator[str]:
    """Yield the exposition's samples with the labels and the time of a scrape."""
    for line in exposition.splitlines():
        if not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            name, brace, own = series.partition("{")
            yield f"{name}{{{labels}{',' + own if brace else '}'} {value} {at}\n"
