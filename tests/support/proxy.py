"""An HTTP proxy on a real socket that keeps what passes through it."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

TOKEN_HEADER = "Coder-Session-Token"  # noqa: S105 - the header's name


@dataclass
class Proxy:
    """What was requested of the proxy: the targets of requests and tunnels, and the tokens it could read."""

    url: str = ""
    targets: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    refusal: int = 0
    """A status that every tunnel is refused with, if it is not 0."""


@contextmanager
def proxying(host: str, port: int, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Run a proxy that forwards all requests and tunnels to `host` and `port`, for any target.

    With `tls`, clients use TLS to the proxy itself.
    """
    seen = Proxy()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._forward(b"")

        def do_POST(self) -> None:
            self._forward(self.rfile.read(int(self.headers["Content-Length"])))

        def do_CONNECT(self) -> None:
            seen.targets.append(self.path)
            if seen.refusal:
                self.send_response(seen.refusal)
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            with socket.create_connection((host, port), 10) as other:
                back = Thread(target=_copy, args=(other, self.connection))
                back.start()
                _copy(self.connection, other)
                back.join()

        def _forward(self, body: bytes) -> None:
            seen.targets.append(urlsplit(self.path).netloc)
            seen.tokens += self.headers.get_all(TOKEN_HEADER, [])
            connection = HTTPConnection(host, port, timeout=10)
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            response = connection.getresponse()
            content = response.read()
            self.send_response_only(response.status)
            for name, value in response.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        seen.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        yield seen
        server.shutdown()
        thread.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Bring bytes over until one side closes, then close the other's reading too."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
