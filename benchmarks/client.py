"""A minimal HTTP client that only reads responses, so that the server dominates the measurement."""

import socket
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import NamedTuple
from urllib.parse import urlsplit

_PIECE = 1 << 20
_TIMEOUT = 60.0


class ResponseStats(NamedTuple):
    """One response: its duration in seconds, and its size in bytes as sent."""

    seconds: float
    size: int


class Connection:
    """A connection that is reused, as in Prometheus, if the server allows it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._path = parts.path.encode()
        self._buffer = bytearray(_PIECE)
        self._connect()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def get(self, *, gzip: bool) -> ResponseStats:
        """Send one request and read the whole response.

        Raises:
            ConnectionError: The status is not 200, or the response ends early.
        """
        coding = b"gzip" if gzip else b"identity"
        started = time.perf_counter()
        if not self._reusable:
            self._connect()
        self._socket.sendall(
            b"GET %b HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: %b\r\n\r\n" % (self._path, coding)
        )
        size = self._read_all()
        return ResponseStats(time.perf_counter() - started, size)

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, _TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reusable = True

    def _read_all(self) -> int:
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._receive(1 << 16)
        head, _, rest = head.partition(b"\r\n\r\n")
        status, *headers = head.lower().split(b"\r\n")
        if not status.endswith(b"200 ok"):
            raise ConnectionError(status.decode())
        if status.startswith(b"http/1.0"):
            return self._read_until_close(len(rest))
        lengths = [line for line in headers if line.startswith(b"content-length:")]
        if lengths:
            return self._read_length(int(lengths[0].partition(b":")[2]), len(rest))
        return self._read_chunks(rest)

    def _read_until_close(self, got: int) -> int:
        while read := self._socket.recv_into(self._buffer):
            got += read
        self._socket.close()
        self._reusable = False
        return got

    def _read_length(self, length: int, got: int) -> int:
        while got < length:
            read = self._socket.recv_into(self._buffer)
            if not read:
                raise ConnectionError("the response ended early")
            got += read
        return length

    def _read_chunks(self, rest: bytes) -> int:
        """Read up to the last chunk, which has length 0; Go's servers send no trailers after it."""
        size, end = len(rest), rest[-5:]
        while end != b"0\r\n\r\n":
            piece = self._receive(_PIECE)
            size, end = size + len(piece), (end + piece)[-5:]
        return size

    def _receive(self, limit: int) -> bytes:
        piece = self._socket.recv(limit)
        if not piece:
            raise ConnectionError("the response ended early")
        return piece


def read_in_turns(urls: Mapping[str, str], rounds: int, *, gzip: bool) -> dict[str, list[ResponseStats]]:
    """Request all URLs in turn, `rounds` times each, after a warm-up request."""
    reads: dict[str, list[ResponseStats]] = {name: [] for name in urls}
    with ExitStack() as stack:
        connections = {name: stack.enter_context(closing(Connection(url))) for name, url in urls.items()}
        for _ in range(rounds + 1):
            for name, connection in connections.items():
                reads[name].append(connection.get(gzip=gzip))
    return {name: found[1:] for name, found in reads.items()}


def compute_median(reads: Iterable[ResponseStats]) -> float:
    """Return the median duration in seconds."""
    return statistics.median(read.seconds for read in reads)


def compute_quantile(seconds: Sequence[float], quantile: float) -> float:
    """Return the given quantile of the durations."""
    return sorted(seconds)[min(len(seconds) - 1, int(quantile * len(seconds)))]
