"""Heads of requests that are served, and those that are refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.web.limits import DEFAULT_LIMITS
from insights_exporter.web.request import BadRequest, HTTPRequest, parse_request

HOST = b"Host: here\r\n"


def parse(head: bytes) -> HTTPRequest:
    """Parse with the default limits."""
    return parse_request(head, DEFAULT_LIMITS)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        pytest.param(b"/metrics?name[]=a&b=%20", "/metrics", b"name[]=a&b=%20", id="path and query"),
        pytest.param(b"/a%20b%2fc", "/a b/c", b"", id="encoded"),
        pytest.param(b"//here/metrics", "//here/metrics", b"", id="two slashes are a path"),
        pytest.param(b"http://here/metrics?a", "/metrics", b"a", id="absolute"),
        pytest.param(b"http://here", "/", b"", id="absolute without a path"),
        pytest.param(b"http://here?a=b", "/", b"a=b", id="absolute with a query alone"),
        pytest.param(b"/?", "/", b"", id="empty query"),
        pytest.param(b"/?" + b"&" * 999, "/", b"&" * 999, id="1000 parameters"),
        pytest.param(b"/%", "/%", b"", id="broken encoding"),
        pytest.param(b"/%ff", "/\ufffd", b"", id="encoded bytes that are no text"),
    ],
)
def test_target(target: bytes, path: str, query: bytes) -> None:
    """Origin form and absolute form are read."""
    request = parse(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")

    assert (path, query) == (request.path, request.query)


@pytest.mark.parametrize(
    ("head", "keep_alive", "body_bytes"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST, True, 0, id="HTTP/1.1"),
        pytest.param(b"GET / HTTP/1.1\r\nHost:\r\n", True, 0, id="empty Host"),
        pytest.param(b"GET / HTTP/1.1\r\nhOsT: [::1]:12112\r\n", True, 0, id="IPv6 Host"),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: foo, Close\r\n", False, 0, id="closing"),
        pytest.param(b"GET / HTTP/1.0\r\n", False, 0, id="HTTP/1.0"),
        pytest.param(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n" + HOST, False, 0, id="HTTP/1.0, kept"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n" + HOST, True, 0, id="empty body"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 7\r\n" + HOST, False, 7, id="body"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1024\r\n" + HOST, False, 1024, id="largest body"),
        pytest.param(
            b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n" + HOST,
            False,
            0,
            id="upgrade is ignored",
        ),
    ],
)
def test_connection_after_a_request(head: bytes, keep_alive: bool, body_bytes: int) -> None:
    """Only an HTTP/1.1 connection without a body stays open."""
    request = parse(head + b"\r\n")

    assert (keep_alive, body_bytes) == (request.keep_alive, request.body_bytes)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n", 400, id="no Host"),
        pytest.param(b"GET /?" + b"&" * 1000 + b" HTTP/1.1\r\n" + HOST, 414, id="1001 parameters"),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST * 2, 400, id="two Hosts"),
        pytest.param(b"GET / HTTP/1.0\r\n" + HOST * 2, 400, id="two Hosts in HTTP/1.0"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a b\r\n", 400, id="invalid Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a/b\r\n", 400, id="path as Host"),
        pytest.param(b"GET / HTTP/1.0\r\nHost: a@b\r\n", 400, id="invalid Host in HTTP/1.0"),
        pytest.param(b"GET / HTTP/2.0\r\n" + HOST, 505, id="HTTP/2"),
        pytest.param(b"PRI * HTTP/2.0\r\n", 505, id="HTTP/2 preface"),
        pytest.param(b"GET /\r\n", 505, id="HTTP/0.9"),
        pytest.param(b"GET / HTTP/1.2\r\n" + HOST, 400, id="HTTP/1.2"),
        pytest.param(b"get / HTTP/1.1\r\n" + HOST, 400, id="unknown method"),
        pytest.param(b"GET * HTTP/1.1\r\n" + HOST, 400, id="asterisk"),
        pytest.param(b"CONNECT here:1 HTTP/1.1\r\n" + HOST, 400, id="CONNECT"),
        pytest.param(b"GET metrics HTTP/1.1\r\n" + HOST, 400, id="relative target"),
        pytest.param(b"GET ftp://here/ HTTP/1.1\r\n" + HOST, 400, id="other scheme"),
        pytest.param(b"GET http://user@here/ HTTP/1.1\r\n" + HOST, 400, id="user in the target"),
        pytest.param(b"GET  / HTTP/1.1\r\n" + HOST, 400, id="two spaces"),
        pytest.param(b"GET /  HTTP/1.1\r\n" + HOST, 400, id="two spaces before the version"),
        pytest.param(b"GET /a#b HTTP/1.1\r\n" + HOST, 400, id="fragment"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST, 400, id="target beyond ASCII"),
        pytest.param(b"GET /a b HTTP/1.1\r\n" + HOST, 400, id="space in the target"),
        pytest.param(b"GET / HTTP/1.1\n" + HOST, 400, id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\r\n" + HOST, 400, id="hidden request"),
        pytest.param(b"GET / HTTP/1.1\r\nX: a\rb\r\n" + HOST, 400, id="bare CR"),
        pytest.param(b"GET / HTTP/1.1\r\nX: a\0b\r\n" + HOST, 400, id="NUL"),
        pytest.param(b"GET / HTTP/1.1\r\nX: a\r\n b\r\n" + HOST, 400, id="folded line"),
        pytest.param(b"GET / HTTP/1.1\r\nX : a\r\n" + HOST, 400, id="space before the colon"),
        pytest.param(b"GET / HTTP/1.1\r\nX\r\n" + HOST, 400, id="header without a colon"),
        pytest.param(b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 100, 431, id="101 headers"),
        pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1025\r\n", 413, id="large body"),
        pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1e3\r\n", 400, id="odd length"),
        pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n", 400, id="negative length"),
        pytest.param(
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 30 + b"\r\n", 400, id="huge"
        ),
        pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n" * 2, 400, id="two lengths"),
        pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n", 411, id="chunked"),
        pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: x\r\n", 411, id="other coding"),
        pytest.param(
            b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
            411,
            id="chunked with a length",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            400,
            id="a length and chunked",
        ),
        pytest.param(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\n", 417, id="Expect"),
    ],
)
def test_refusals(head: bytes, status: int) -> None:
    """Malformed requests, and those beyond a limit, are refused."""
    with pytest.raises(BadRequest) as refused:
        parse(head + b"\r\n")

    assert status == refused.value.status


@given(st.binary(max_size=200))
def test_any_head_is_parsed_or_refused(noise: bytes) -> None:
    """Any bytes are parsed or refused."""
    with contextlib.suppress(BadRequest):
        parse(b"GET / HTTP/1.1\r\n" + HOST + noise + b"\r\n\r\n")
