"""The head of a response, as bytes."""

import time
from collections.abc import Callable, Collection, Iterable
from email.utils import formatdate
from http import HTTPStatus

from insights_exporter.web.request import Header, Refusal

DEFAULT_HEADERS: tuple[Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
)
"""Headers of every response that has none of that name itself."""

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class DateHeader:
    """The `Date` header, rendered once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        """Return the header line."""
        now = int(time.time())
        if now != self._second:
            self._second, self._line = now, f"date: {formatdate(now, usegmt=True)}\r\n".encode()
        return self._line


def render_head(status: int, headers: Collection[Header], date: bytes, *, keep_alive: bool) -> bytes:
    """Return status line and headers; those of the response win over the defaults."""
    names = {name for name, _ in headers}
    lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status, date]
    lines += [b"%b: %b\r\n" % header for header in headers]
    lines += [b"%b: %b\r\n" % header for header in DEFAULT_HEADERS if header[0] not in names]
    if not keep_alive and b"connection" not in names:
        lines.append(b"connection: close\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


class Refuser:
    """Renders responses to requests that are refused before the application sees them."""

    def __init__(self, headers: Callable[[], list[Header]] = list) -> None:
        self.date = DateHeader()
        self._headers = headers
        """Returns the headers that every response shall have."""

    def render(self, refusal: Refusal) -> bytes:
        """Return the whole response."""
        body = f"{refusal.text}\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            *self._headers(),
        ]
        return render_head(refusal.status, headers, self.date.line(), keep_alive=False) + body


def body_length(status: int, headers: Iterable[Header], *, is_head: bool) -> int | None:
    """Return the number of body bytes that follow the head; None if the end of the connection ends them."""
    if is_head or status in _WITHOUT_BODY:
        return 0
    return next((int(value) for name, value in headers if name == b"content-length"), None)
