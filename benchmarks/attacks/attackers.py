"""Attackers in a process with the lowest priority.

`python -m benchmarks.attacks.attackers ATTACK PORT SCHEME CLIENTS SECONDS` attacks 127.0.0.1 and prints how
many connections were made and how many bytes were sent.
"""

import itertools
import os
import select
import socket
import ssl
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from benchmarks.attacks.catalog import ATTACKS, Attack, Script
from benchmarks.attacks.key_updates import generate_key_updates

_LOWEST_PRIORITY = 19
_TIMEOUT = 2.0
_CHECK_INTERVAL = 0.2
"""Seconds after which an idle connection checks the time."""
_BYTES = 1 << 16
_SLOW_BYTES, _SLOW_PAUSE = 20_000, 0.05
_RECEIVE_BUFFER = 4096
_ENDED = select.POLLHUP | select.POLLERR | select.POLLRDHUP
_RESET = struct.pack("ii", 1, 0)
"""Reset a connection on close, so that no local port stays in use."""
_NOT_READY = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def attack(what: Attack, port: int, *, tls: bool, clients: int, seconds: float) -> Counter[str]:
    """Attack with the given number of clients until the time is over; return connections and bytes."""
    done: Counter[str] = Counter()
    end, share = time.monotonic() + seconds, seconds / len(what.scripts)
    context = _create_context() if tls else None

    def client(number: int) -> None:
        scripts = itertools.cycle(what.scripts)
        for script in itertools.islice(scripts, number % len(what.scripts), None):
            now = time.monotonic()
            if now >= end:
                return
            _run_connection(script, port, None if script.raw else context, min(end, now + share), done)

    number = clients * what.connections
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(client, range(number)))  # raises the exceptions of the clients
    return done


def _run_connection(
    script: Script, port: int, context: ssl.SSLContext | None, end: float, done: Counter[str]
) -> None:
    try:
        connection = _connect(port, context, small=script.slowly or not script.reads)
    except OSError:
        time.sleep(0.01)
        return
    done["connections"] += 1
    with connection, suppress(OSError), _open_source(script, connection) as pieces:
        done["bytes"] += _run_script(script, connection, pieces, end)


def _connect(port: int, context: ssl.SSLContext | None, *, small: bool) -> socket.socket:
    connection = socket.socket()
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if small:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(_TIMEOUT)
        connection.connect(("127.0.0.1", port))
        if context:
            connection = context.wrap_socket(connection)
        connection.settimeout(0)
    except BaseException:
        connection.close()
        raise
    return connection


def _run_script(script: Script, connection: socket.socket, pieces: Iterator[bytes], end: float) -> int:
    """Follow a script until the server closes the connection or time is over; return the bytes sent."""
    sent, open_ = 0, True
    piece = next(pieces, b"")
    poll = select.poll()
    while (piece or script.holds) and time.monotonic() < end:
        if open_ and script.half_closed and not piece:
            connection.shutdown(socket.SHUT_WR)
            open_ = False
        poll.register(connection, _select_events(script, piece))
        events = dict(poll.poll(_CHECK_INTERVAL * 1000)).get(connection.fileno(), 0)
        if events and (not _read(connection, script) if script.reads else events & _ENDED):
            break
        count = _send(connection, piece)
        sent, piece = sent + count, piece[count:]
        if count and not piece:
            piece = next(pieces, b"")
            if script.pause:
                time.sleep(script.pause)
    return sent


def _select_events(script: Script, piece: bytes) -> int:
    return (select.POLLIN if script.reads else 0) | (select.POLLOUT if piece else 0) | select.POLLRDHUP


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


def _send(connection: socket.socket, piece: bytes) -> int:
    try:
        return connection.send(piece) if piece else 0
    except _NOT_READY:
        return 0


def _read(connection: socket.socket, script: Script) -> bool:
    """Read the available bytes, or a few of them; return False at the end of the response."""
    try:
        while data := connection.recv(_SLOW_BYTES if script.slowly else _BYTES):
            if script.slowly:
                time.sleep(_SLOW_PAUSE)
                break
    except _NOT_READY:
        return True
    return bool(data)


def _create_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def main(arguments: Sequence[str]) -> None:
    """Attack with the given arguments; print the number of connections and bytes."""
    os.nice(_LOWEST_PRIORITY)
    name, port, scheme, clients, seconds = arguments
    (what,) = (each for each in ATTACKS if each.name == name)
    done = attack(what, int(port), tls=scheme == "https", clients=int(clients), seconds=float(seconds))
    sys.stdout.write(" ".join(f"{key}={value}" for key, value in sorted(done.items())) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
