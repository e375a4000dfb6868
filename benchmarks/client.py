"""A client that does nothing but read, so that what is measured is the server."""

import socket
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import NamedTuple
from urllib.parse import urlsplit

_PIECE = 1 << 20
_PATIENCE = 60.0


class Read(NamedTuple):
    """One answer: how long it took, and its size as it was sent."""

    seconds: float
    size: int


class Connection:
    """A connection that is kept, as Prometheus keeps its own, if the server allows it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._path = parts.path.encode()
        self._buffer = bytearray(_PIECE)
        self._connect()

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def get(self, *, gzip: bool) -> Read:
        """Ask once and read all of the answer.

        Raises:
            ConnectionError: the answer is no 200, or ends early.
        """
        coding = b"gzip" if gzip else b"identity"
        started = time.perf_counter()
        if not self._kept:
            self._connect()
        self._socket.sendall(
            b"GET %b HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: %b\r\n\r\n" % (self._path, coding)
        )
        size = self._read_all()
        return Read(time.perf_counter() - started, size)

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, _PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._kept = True

    def _read_all(self) -> int:
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._more(1 << 16)
        head, _, rest = head.partition(b"\r\n\r\n")
        status, *headers = head.lower().split(b"\r\n")
        if not status.endswith(b"200 ok"):
            raise ConnectionError(status.decode())
        if status.startswith(b"http/1.0"):
            return self._read_to_the_end(len(rest))
        lengths = [line for line in headers if line.startswith(b"content-length:")]
        if lengths:
            return self._read_length(int(lengths[0].partition(b":")[2]), len(rest))
        return self._read_chunks(rest)

    def _read_to_the_end(self, got: int) -> int:
        while read := self._socket.recv_into(self._buffer):
            got += read
        self._socket.close()
        self._kept = False
        return got

    def _read_length(self, length: int, got: int) -> int:
        while got < length:
            read = self._socket.recv_into(self._buffer)
            if not read:
                raise ConnectionError("the answer ended early")
            got += read
        return length

    def _read_chunks(self, rest: bytes) -> int:
        """Read up to the chunk of length 0, as Go's servers end an answer; their last bytes tell."""
        size, end = len(rest), rest[-5:]
        while end != b"0\r\n\r\n":
            piece = self._more(_PIECE)
            size, end = size + len(piece), (end + piece)[-5:]
        return size

    def _more(self, most: int) -> bytes:
        piece = self._socket.recv(most)
        if not piece:
            raise ConnectionError("the answer ended early")
        return piece


def in_turns(urls: Mapping[str, str], rounds: int, *, gzip: bool) -> dict[str, list[Read]]:
    """Ask all of `urls` in turns, `rounds` times each after one that does not count."""
    reads: dict[str, list[Read]] = {name: [] for name in urls}
    with ExitStack() as stack:
        connections = {name: stack.enter_context(closing(Connection(url))) for name, url in urls.items()}
        for _ in range(rounds + 1):
            for name, connection in connections.items():
                reads[name].append(connection.get(gzip=gzip))
    return {name: found[1:] for name, found in reads.items()}


def median(reads: Iterable[Read]) -> float:
    """Return the seconds that half of the reads took at most."""
    return statistics.median(read.seconds for read in reads)


def at_quantile(seconds: Sequence[float], quantile: float) -> float:
    """Return the time that this part of all did not exceed."""
    return sorted(seconds)[min(len(seconds) - 1, int(quantile * len(seconds)))]
