"""A remote-write receiver on a real socket, and a decoder of its requests."""

import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Receiver:
    """Sends `responses`, errors with `text`, then 204; records requests."""

    url: str = ""
    text: bytes = b""
    responses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Receive on a real socket, over TLS with a context for it."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers = receiver.responses.pop(0) if receiver.responses else (204, {})
            text = receiver.text if status >= 400 else b""
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/api/v1/write"
        yield receiver
        server.shutdown()
        thread.join()


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a protobuf varint and the position after it."""
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            return number, at


def fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Yield the fields of a message in protobuf's wire format."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value: bytes | int
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            length, at = (8, at) if key & 7 == 1 else varint(data, at)
            value, at = data[at : at + length], at + length
        yield key >> 3, value


def decode(request: bytes) -> list[tuple[list[tuple[str, str]], list[tuple[float, int]]]]:
    """Return the series of a WriteRequest of Prometheus' types.proto: labels and samples."""

    def text(value: bytes | int) -> str:
        assert isinstance(value, bytes)
        return value.decode()

    def series(data: bytes | int) -> tuple[list[tuple[str, str]], list[tuple[float, int]]]:
        assert isinstance(data, bytes)
        labels, samples = [], []
        for number, inner in fields(data):
            assert isinstance(inner, bytes)
            parts = dict(fields(inner))
            if number == 1:
                labels.append((text(parts[1]), text(parts[2])))
            else:
                value, moment = parts[1], parts[2]
                assert isinstance(value, bytes)
                assert isinstance(moment, int)
                samples.append((struct.unpack("<d", value)[0], moment))
        return labels, samples

    assert {1} >= {number for number, _ in fields(request)}
    return [series(data) for _, data in fields(request)]
