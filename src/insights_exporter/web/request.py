"""The head of a request, parsed and checked."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

import httptools

from insights_exporter.web.limits import ServerLimits

Header = tuple[bytes, bytes]

_VERSIONS = ("1.0", "1.1")
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_TARGET = re.compile(rb"(?:https?://[^/?#@]*)?(/[^?#]*|(?=\?|$))(?:\?([^#]*))?", re.IGNORECASE)
"""Origin form or absolute form: path and query."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The response to a request that is not served; its connection is closed."""

    status: HTTPStatus
    text: str


MALFORMED = Refusal(HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request.")
_WRONG_VERSION = Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "Use HTTP/1.1 or HTTP/1.0.")
_TOO_MANY_HEADERS = Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Too many headers.")
_TRANSFER_ENCODING = Refusal(HTTPStatus.LENGTH_REQUIRED, "Transfer-Encoding is not accepted.")
_EXPECTATION = Refusal(HTTPStatus.EXPECTATION_FAILED, "Expect is not accepted.")
_WRONG_HOST = Refusal(HTTPStatus.BAD_REQUEST, "The request needs one valid Host header.")
_WRONG_TARGET = Refusal(HTTPStatus.BAD_REQUEST, "The request target must be a path, such as /metrics.")
_LONG_QUERY = Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "Too many query parameters.")
_LARGE_BODY = Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body of the request is too large.")

_REFUSED_HEADERS = {b"transfer-encoding": _TRANSFER_ENCODING, b"expect": _EXPECTATION}
_SPECIAL = frozenset({b"host", b"content-length", b"connection", *_REFUSED_HEADERS})


class BadRequest(Exception):
    """A request that is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Request:
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


class _Head:
    """What the parser reports; it holds no parser, so that neither waits for the garbage collector."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[Header] = []
        self.complete = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.complete = True


def parse_request(data: bytes | bytearray, limits: ServerLimits) -> Request:
    """Return the request whose head is `data`, from the start line to the empty line.

    Raises:
        BadRequest: the request is malformed, or not one that the exporter serves.
    """
    _check_bytes(data)
    head = _Head()
    parser = httptools.HttpRequestParser(head)
    upgrade = False
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        upgrade = True
    except httptools.HttpParserError:
        # A body that is not chunked properly is an error of the parser, but not the one to report.
        if not _has(head.headers, b"transfer-encoding"):
            raise BadRequest(MALFORMED) from None
    version = parser.get_http_version()
    special = [header for header in head.headers if header[0] in _SPECIAL]
    _check_head(head, special, version, limits.headers)
    _check_start_line(data, parser.get_method(), head.target, version)
    raw_path, query = _split_target(head.target)
    if query.count(b"&") >= limits.query_parameters:
        raise BadRequest(_LONG_QUERY)
    body_bytes = _body_bytes(special, limits.body_bytes)
    return Request(
        method=parser.get_method().decode("ascii"),
        raw_path=raw_path,
        query=query,
        version=version,
        headers=head.headers,
        body_bytes=body_bytes,
        keep_alive=version == "1.1" and not upgrade and not body_bytes and not _asks_to_close(special),
    )


def _check_bytes(data: bytes | bytearray) -> None:
    """Refuse bare CR and LF, and NUL, whatever the version of the parser makes of them."""
    lines = data.count(b"\r\n")
    if data.count(b"\n") != lines or data.count(b"\r") != lines or b"\0" in data:
        raise BadRequest(MALFORMED)


def _check_head(head: _Head, special: list[Header], version: str, max_headers: int) -> None:
    if version not in _VERSIONS:
        raise BadRequest(_WRONG_VERSION)
    if len(head.headers) > max_headers:
        raise BadRequest(_TOO_MANY_HEADERS)
    for name, refusal in _REFUSED_HEADERS.items():
        if _has(special, name):
            raise BadRequest(refusal)
    if not head.complete:
        raise BadRequest(MALFORMED)
    hosts = [value for name, value in special if name == b"host"]
    if len(hosts) > 1 or (version == "1.1" and not hosts) or not all(map(_HOST.fullmatch, hosts)):
        raise BadRequest(_WRONG_HOST)


def _check_start_line(data: bytes | bytearray, method: bytes, target: bytes, version: str) -> None:
    """Refuse more than one space between the parts, which the parser skips."""
    if not data.startswith(b"%b %b HTTP/%b\r\n" % (method, target, version.encode())):
        raise BadRequest(MALFORMED)


def _split_target(target: bytes) -> tuple[bytes, bytes]:
    match = _TARGET.fullmatch(target) if target.isascii() else None
    if not match or not target:
        raise BadRequest(_WRONG_TARGET)
    return match[1] or b"/", match[2] or b""


def _body_bytes(headers: list[Header], max_bytes: int) -> int:
    """Return the length of the body; the parser has checked that there is one valid number at most."""
    size = next((int(value) for name, value in headers if name == b"content-length"), 0)
    if size > max_bytes:
        raise BadRequest(_LARGE_BODY)
    return size


def _asks_to_close(headers: list[Header]) -> bool:
    options = b",".join(value for name, value in headers if name == b"connection").lower()
    return b"close" in map(bytes.strip, options.split(b","))


def _has(headers: list[Header], wanted: bytes) -> bool:
    return any(name == wanted for name, _ in headers)
