"""Clients that do not behave."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from tests.integration.exporter import Exporter

GET = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"


@contextmanager
def open_connections(exporter: Exporter, said: bytes, number: int = 1) -> Iterator[list[socket.socket]]:
    """Open connections, send bytes on each, and keep them open."""
    address = urlsplit(exporter.url)
    with ExitStack() as stack:
        clients = []
        for _ in range(number):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(30)
            client.connect((address.hostname, address.port))
            client.sendall(said)
            clients.append(client)
        yield clients


def read_response(exporter: Exporter, said: bytes) -> bytes:
    """Send bytes that end the connection and return the whole response; empty if it was reset."""
    with open_connections(exporter, said) as (client,):
        try:
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))
        except OSError:
            return b""
