"""A Coder that leaks user names in all kinds of invalid responses."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from insights_exporter.demo import EmbeddedCoder

OK = "HTTP/1.1 200 OK"
JSON = "Content-Type: application/json"
ABOUT_USERS = ("/insights/user-activity", "/insights/user-latency")


def _render(first: str, *headers: str, body: bytes, length: int | None = None) -> bytes:
    lines = [first, *headers, f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode() + body


def _respond(status: int, body: bytes) -> bytes:
    return _render(f"HTTP/1.1 {status} Odd", JSON, body=body)


def _reject(status: int, **texts: str) -> bytes:
    return _respond(status, json.dumps(texts).encode())


def _replace_numbers(body: bytes, person: str) -> bytes:
    return re.sub(rb'("(?:seconds|p50|p95)":)-?[0-9.]+', rb'\1"%s"' % person.encode(), body)


LEAKS: Mapping[str, Callable[[bytes, str], bytes]] = {
    "database error": lambda _, person: _reject(
        500, message="Internal error.", detail=f"pq: duplicate key (username)=({person})"
    ),
    "database error in the message": lambda _, person: _reject(500, message=f"get user {person}: gone"),
    "rejected request with a name": lambda _, person: _reject(
        400, message=f"Invalid user {person}.", detail=f"{person} is not in this organization."
    ),
    "denied access with a name": lambda _, person: _reject(
        403, message="Forbidden.", detail=f"You may not see {person}."
    ),
    "data with status 500": lambda body, _: _respond(500, body),
    "data with status 400": lambda body, _: _respond(400, body),
    "redirect with a name": lambda _, person: _render(
        "HTTP/1.1 302 Found", f"Location: https://login.example.com/?user={person}", body=b""
    ),
    "names instead of numbers": lambda body, person: _respond(200, _replace_numbers(body, person)),
    "names instead of rows": lambda body, person: _respond(
        200, re.sub(rb'"users":\[.*\]', rb'"users":["%s"]' % person.encode(), body)
    ),
    "a name instead of the rows": lambda body, person: _respond(
        200, re.sub(rb'"users":\[.*\]', rb'"users":"%s"' % person.encode(), body)
    ),
    "a name as the response": lambda _, person: _respond(200, json.dumps(person).encode()),
    "an HTML page with a name": lambda _, person: _respond(200, f"<html>Hello {person}".encode()),
    "truncated data": lambda body, _: _respond(200, body[: len(body) // 2]),
    "data shorter than its Content-Length": lambda body, _: _render(
        OK, JSON, body=body, length=2 * len(body)
    ),
    "data longer than its Content-Length": lambda body, _: _render(
        OK, JSON, body=body, length=len(body) // 2
    ),
    "data without headers": lambda body, _: body + b"\r\n\r\n",
    "a name as the status": lambda body, person: _render(f"HTTP/1.1 {person}", JSON, body=body),
    "an invalid header": lambda body, person: _render(OK, f"{person} {person}", JSON, body=body),
    "a name as the Content-Encoding": lambda body, person: _render(
        OK, JSON, f"Content-Encoding: {person}", body=body
    ),
    "uncompressed data with Content-Encoding gzip": lambda body, _: _render(
        OK, JSON, "Content-Encoding: gzip", body=body
    ),
}
"""Functions from a valid response and a user name to the bytes that are sent instead."""


@dataclass(slots=True)
class Leaky:
    """The server; `leak` is the current fault of responses about users."""

    coder: EmbeddedCoder
    leak: str = ""
    leaked: Counter[str] = field(default_factory=Counter)
    """The number of responses by leak."""

    @property
    def identifiers(self) -> list[str]:
        """Return everything that identifies a user."""
        users = self.coder.population.users
        return [text for one in users for text in (one.id, one.username, one.avatar_url) if text]

    def response(self, path: str, query: str, headers: Mapping[str, str]) -> bytes:
        """Return the bytes of a response."""
        made = self.coder.respond("GET", path, query, headers)
        body = bytes(made.body)
        if self.leak and path.endswith(ABOUT_USERS):
            self.leaked[self.leak] += 1
            return LEAKS[self.leak](body, self.coder.population.users[0].username)
        header_lines = [f"{name}: {text}" for name, text in made.headers.items() if name != "content-length"]
        return _render(f"HTTP/1.1 {made.status_code} Coder", *header_lines, body=body)


@contextmanager
def serve_leaky(server: Leaky) -> Iterator[str]:
    """Serve until the block ends; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            headers = {name.lower(): text for name, text in self.headers.items()}
            self.wfile.write(server.response(path, query, headers))
            self.close_connection = server.leak not in ("", "data longer than its Content-Length")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        thread = Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()
