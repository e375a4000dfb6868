"""Requests: bytes of a connection become checked heads, one request at a time."""

import re
import string
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

import httptools

from insights_exporter.web.limits import ServerLimits

Header = tuple[bytes, bytes]

BUFFER_BYTES = 4096
"""Bytes that are read ahead; the buffer grows for a longer head."""
_LINE_END = b"\r\n"
_HEAD_END = b"\r\n\r\n"
_BARE_LF = re.compile(rb"(?<!\r)\n")
_METHOD_BYTES = frozenset(string.ascii_uppercase.encode())
_VERSIONS = ("1.0", "1.1")
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_TARGET = re.compile(rb"(?:https?://[^/?#@]*)?(/[^?#]*|(?=\?|$))(?:\?([^#]*))?", re.IGNORECASE)
"""Origin form or absolute form: path and query."""


_MALFORMED = "This is not a valid HTTP request."
_REFUSED_HEADERS = {
    b"transfer-encoding": (HTTPStatus.LENGTH_REQUIRED, "Transfer-Encoding is not accepted."),
    b"expect": (HTTPStatus.EXPECTATION_FAILED, "Expect is not accepted."),
}
_CHECKED_HEADERS = frozenset({b"host", b"content-length", b"connection", *_REFUSED_HEADERS})


class BadRequest(Exception):
    """A request that is refused with a status and a text; its connection is closed."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """A request without its body, of `body_bytes` bytes; header names are in lower case."""

    method: str
    raw_path: bytes
    query: bytes
    version: str
    headers: list[Header]
    body_bytes: int
    keep_alive: bool

    @property
    def path(self) -> str:
        """Return the decoded path."""
        text = self.raw_path.decode("ascii")
        return unquote(text) if "%" in text else text


class RequestReader:
    """Collects the bytes of one request after another in a bounded buffer; bodies are discarded."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._buffer = bytearray(BUFFER_BYTES)
        self._filled = self._scanned = 0
        self._request: HTTPRequest | None = None
        self._body_left = 0

    @property
    def has_data(self) -> bool:
        """Whether there are bytes of a next request."""
        return self._filled > 0

    def get_buffer(self) -> memoryview:
        """Return where the next bytes go; asyncio slices it, which must not copy."""
        return memoryview(self._buffer)[self._filled :]

    def receive(self, count: int) -> None:
        """Record that so many bytes were written to the buffer."""
        self._filled += count

    def clear(self) -> None:
        """Discard what the buffer holds."""
        self._filled = 0

    def take_request(self) -> HTTPRequest | None:
        """Return the next request if all of it has arrived.

        Raises:
            BadRequest: It is refused, maybe before all of it has arrived.
        """
        if self._request is None:
            self._request = self._read_head()
            if self._request is None:
                return None
            self._body_left = self._request.body_bytes
        discarded = min(self._body_left, self._filled)
        if discarded:
            self._body_left -= discarded
            self._keep_from(discarded)
        if self._body_left:
            return None
        request, self._request = self._request, None
        return request

    def _read_head(self) -> HTTPRequest | None:
        buffer, filled, limits = self._buffer, self._filled, self._limits
        begin = buffer[: min(filled, len(_LINE_END))]
        start = len(begin) if _LINE_END.startswith(begin) else 0  # an empty line is ignored (RFC 9112, 2.2)
        if filled > start and buffer[start] not in _METHOD_BYTES:
            raise BadRequest(HTTPStatus.BAD_REQUEST, _MALFORMED)
        if filled > limits.start_line_bytes and buffer.find(_LINE_END, start, limits.start_line_bytes) < 0:
            raise BadRequest(HTTPStatus.REQUEST_URI_TOO_LONG, "The start line is too long.")
        end = buffer.find(_HEAD_END, max(start, self._scanned - 3), filled)
        if end >= 0:
            end += len(_HEAD_END)
            request = parse_request(buffer[start:end], limits)
            self._keep_from(end)
            return request
        if _BARE_LF.search(buffer, self._scanned, filled):
            raise BadRequest(HTTPStatus.BAD_REQUEST, "Lines must end with CR LF.")
        if filled >= limits.head_bytes:
            text = "The start line and the headers are too long together."
            raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text)
        self._scanned = filled
        if filled == len(buffer):
            self._buffer = buffer + bytes(min(filled, limits.head_bytes - filled))
        return None

    def _keep_from(self, start: int) -> None:
        """Move what follows `start` to the beginning of a buffer that is no larger than needed."""
        rest = self._buffer[start : self._filled] if start < self._filled else b""
        self._filled, self._scanned = len(rest), 0
        if len(self._buffer) > BUFFER_BYTES:
            self._buffer = bytearray(max(BUFFER_BYTES, len(rest) + 1))
        if rest:
            self._buffer[: len(rest)] = rest


class _ParsedHead:
    """Collects what the parser reports; it does not refer to the parser, so there is no reference cycle."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[Header] = []
        self.is_complete = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.is_complete = True


def parse_request(data: bytes | bytearray, limits: ServerLimits) -> HTTPRequest:
    """Return the request whose head is `data`, from the start line to the empty line.

    Raises:
        BadRequest: It is malformed, or beyond a limit.
    """
    lines = data.count(_LINE_END)
    if data.count(b"\n") != lines or data.count(b"\r") != lines or b"\0" in data:
        raise BadRequest(HTTPStatus.BAD_REQUEST, _MALFORMED)  # whatever the version of the parser accepts
    head = _ParsedHead()
    parser = httptools.HttpRequestParser(head)
    is_upgrade = False
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        is_upgrade = True
    except httptools.HttpParserError:
        # An invalid chunked body is an error of the parser too, but then the coding is the one to report.
        if all(name != b"transfer-encoding" for name, _ in head.headers):
            raise BadRequest(HTTPStatus.BAD_REQUEST, _MALFORMED) from None
    method, version = parser.get_method(), parser.get_http_version()
    checked = [header for header in head.headers if header[0] in _CHECKED_HEADERS]
    _check_head(head, checked, version, limits.headers)
    # The parser skips further spaces between the parts.
    if not data.startswith(b"%b %b HTTP/%b\r\n" % (method, head.target, version.encode())):
        raise BadRequest(HTTPStatus.BAD_REQUEST, _MALFORMED)
    target = _TARGET.fullmatch(head.target) if head.target.isascii() else None
    if not target or not head.target:
        text = "The request target must be a path, such as /metrics."
        raise BadRequest(HTTPStatus.BAD_REQUEST, text)
    query = target[2] or b""
    if query.count(b"&") >= limits.query_parameters:
        raise BadRequest(HTTPStatus.REQUEST_URI_TOO_LONG, "Too many query parameters.")
    # The parser has checked that there is one valid length at most.
    body_bytes = next((int(value) for name, value in checked if name == b"content-length"), 0)
    if body_bytes > limits.body_bytes:
        text = "The body of the request is too large."
        raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
    options = b",".join(value for name, value in checked if name == b"connection").lower().split(b",")
    wants_close = b"close" in map(bytes.strip, options)
    return HTTPRequest(
        method=method.decode("ascii"),
        raw_path=target[1] or b"/",
        query=query,
        version=version,
        headers=head.headers,
        body_bytes=body_bytes,
        keep_alive=version == "1.1" and not is_upgrade and not body_bytes and not wants_close,
    )


def _check_head(head: _ParsedHead, checked: list[Header], version: str, max_headers: int) -> None:
    if version not in _VERSIONS:
        raise BadRequest(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Use HTTP/1.1 or HTTP/1.0.")
    if len(head.headers) > max_headers:
        raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Too many headers.")
    names = {name for name, _ in checked}
    for name, refusal in _REFUSED_HEADERS.items():
        if name in names:
            raise BadRequest(*refusal)
    if not head.is_complete:
        raise BadRequest(HTTPStatus.BAD_REQUEST, _MALFORMED)
    hosts = [value for name, value in checked if name == b"host"]
    if len(hosts) > 1 or (version == "1.1" and not hosts) or not all(map(_HOST.fullmatch, hosts)):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "The request needs one valid Host header.")
