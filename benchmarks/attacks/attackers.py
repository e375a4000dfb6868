"""Attackers in a process.

`python -m benchmarks.attacks.attackers ATTACK PORT SCHEME CERTIFICATE CLIENTS SECONDS PATIENCE` attacks
127.0.0.1 until the time is over and each script has done its work, for which it has PATIENCE more seconds.
CERTIFICATE is a file for TLS clients, or empty.
"""

import itertools
import select
import socket
import ssl
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from benchmarks.attacks.catalog import ATTACKS, Attack, Script
from benchmarks.attacks.key_updates import generate_key_updates

_PATIENCE = 120.0
"""Seconds in addition to the time of the attack in which the work of each script must be done."""
_REPETITIONS = 5
"""How often each script must have done its work, so that the server can be judged."""
_TIMEOUT = 5.0
_CHECK_INTERVAL = 0.2
"""Seconds after which an idle connection checks the time."""
_BYTES = 1 << 16
_SLOW_BYTES, _SLOW_PAUSE = 20_000, 0.05
_RECEIVE_BUFFER = 4096
_ENDED = select.POLLHUP | select.POLLERR | select.POLLRDHUP
_RESET = struct.pack("ii", 1, 0)
"""Reset a connection on close, so that no local port stays in use."""
_NOT_READY = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Effort(NamedTuple):
    """How many clients attack, and for how many seconds."""

    clients: int
    seconds: float
    patience: float = _PATIENCE


def attack(what: Attack, port: int, context: ssl.SSLContext | None, effort: Effort) -> None:
    """Attack until the time is over and each script has done its work a few times.

    The work of a connection is done when everything in its script was sent once and, if the script reads,
    the server has responded; or earlier, when the server closes the connection.

    Raises:
        TimeoutError: A script has not done its work, even after `effort.patience` more seconds.
        ConnectionRefusedError: Nothing listens on the port.
    """
    clients, seconds, patience = effort
    now = time.monotonic()
    end, deadline, share = now + seconds, now + seconds + patience, seconds / len(what.scripts)
    remaining, lock = Counter(dict.fromkeys(what.scripts, _REPETITIONS)), threading.Lock()

    def run_client(number: int) -> None:
        scripts = itertools.cycle(what.scripts)
        route = _Route(what.addresses[number % len(what.addresses)], port)
        for script in itertools.islice(scripts, number % len(what.scripts), None):
            now = time.monotonic()
            if now >= (deadline if +remaining else end):
                return
            times = _Times(min(end, now + share), deadline)
            if _run_connection(script, route, None if script.raw else context, times):
                with lock:
                    remaining[script] -= 1

    number = clients * what.connections
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(run_client, range(number)))  # raises the exceptions of the clients
    if +remaining:
        raise TimeoutError(f"{len(+remaining)} of {len(what.scripts)} scripts have not done their work")


class _Route(NamedTuple):
    """The address that a connection comes from, and the port that it goes to."""

    source: str
    port: int


class _Times(NamedTuple):
    """When a connection ends that has done its work, and one that has not."""

    end: float
    deadline: float


def _run_connection(script: Script, route: _Route, context: ssl.SSLContext | None, times: _Times) -> bool:
    """Run a script over a new connection; return whether its work was done."""
    try:
        plain = _connect(route, small=script.slowly or not script.reads)
    except ConnectionRefusedError:
        raise
    except OSError:
        time.sleep(0.01)
        return False
    with plain:
        try:
            with _wrap(plain, context) as connection:
                connection.settimeout(0)
                with _open_source(script, connection) as pieces:
                    return _ScriptRun(script, connection, pieces).run(times)
        except TimeoutError:  # the server is too busy for a handshake
            return False
        except OSError:  # closed by the server
            return True


def _connect(route: _Route, *, small: bool) -> socket.socket:
    connection = socket.socket()
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if small:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(_TIMEOUT)
        connection.bind((route.source, 0))
        connection.connect(("127.0.0.1", route.port))
    except BaseException:
        connection.close()
        raise
    return connection


def _wrap(connection: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    return context.wrap_socket(connection) if context else connection


class _ScriptRun:
    """A script on its connection."""

    def __init__(self, script: Script, connection: socket.socket, pieces: Iterator[bytes]) -> None:
        self._script, self._connection, self._pieces = script, connection, pieces
        self._piece = next(pieces, b"")
        self._sent, self._responded, self._half_closed = 0, False, False
        self._poll = select.poll()

    def run(self, times: _Times) -> bool:
        """Run until the server closes the connection or time is over; return whether the work was done."""
        while (self._piece or self._script.holds) and time.monotonic() < times[not self._is_done()]:
            self._half_close()
            if not self._wait():
                return True
            self._send()
        return self._is_done()

    def _is_done(self) -> bool:
        return self._sent >= self._script.work and (self._responded or not self._script.reads)

    def _half_close(self) -> None:
        if self._script.half_closed and not self._piece and not self._half_closed:
            self._connection.shutdown(socket.SHUT_WR)
            self._half_closed = True

    def _wait(self) -> bool:
        """Wait until the socket is ready, and read; return False if the server has closed the connection."""
        reads = select.POLLIN if self._script.reads else 0
        writes = select.POLLOUT if self._piece else 0
        self._poll.register(self._connection, reads | writes | select.POLLRDHUP)
        events = sum(found for _, found in self._poll.poll(_CHECK_INTERVAL * 1000))
        if events and self._script.reads:
            return self._read()
        return not events & _ENDED

    def _read(self) -> bool:
        """Read the available bytes, or a few of them; return False at the end of the response."""
        try:
            while data := self._connection.recv(_SLOW_BYTES if self._script.slowly else _BYTES):
                self._responded = True
                if self._script.slowly:
                    time.sleep(_SLOW_PAUSE)
                    break
        except _NOT_READY:
            return True
        return bool(data)

    def _send(self) -> None:
        try:
            count = self._connection.send(self._piece) if self._piece else 0
        except _NOT_READY:
            return
        self._sent, self._piece = self._sent + count, self._piece[count:]
        if count and not self._piece:
            self._piece = next(self._pieces, b"")
            time.sleep(self._script.pause)


@contextmanager
def _open_source(script: Script, connection: socket.socket) -> Iterator[Iterator[bytes]]:
    """Yield an iterator of the pieces that a script sends."""
    if not script.key_updates:
        yield _split(script)
        return
    with generate_key_updates(connection) as batches:
        yield batches


def _split(script: Script) -> Iterator[bytes]:
    if script.first:
        yield script.first
    while script.repeat:
        for start in range(0, len(script.repeat), script.piece):
            yield script.repeat[start : start + script.piece]


def _create_context(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    return context


def main(arguments: Sequence[str]) -> None:
    """Attack with the given arguments."""
    name, port, scheme, certificate, clients, seconds, patience = arguments
    (what,) = (each for each in ATTACKS if each.name == name)
    context = _create_context(certificate) if scheme == "https" else None
    attack(what, int(port), context, Effort(int(clients), float(seconds), float(patience)))


if __name__ == "__main__":
    main(sys.argv[1:])
