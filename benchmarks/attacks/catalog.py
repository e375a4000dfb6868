"""The attacks: each consists of one or more scripts for a connection."""

import base64
import random
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

_LARGE = 1 << 16
_HOST = b"Host: attacked\r\n"
_LENGTH = b"Content-Length: %d\r\n\r\n"
_ANY_LENGTH = _LENGTH % 10**15
_GET = b"GET %b HTTP/1.1\r\n" + _HOST + b"\r\n"
_POST = b"POST /-/reload HTTP/1.1\r\n" + _HOST
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_FILLER = b"x" * _LARGE
_LARGEST = b"name[]=coder_insights_user_latency_seconds&name[]="
_NAMES = b"name[]=a&" * 999


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Bytes that one connection sends, and how it reads, until the server closes it."""

    first: bytes = b""
    """Sent once."""
    repeat: bytes = b""
    """Sent repeatedly; if empty, the connection is held open, or closed, after `first`."""
    piece: int = _LARGE
    """Number of bytes sent at once."""
    pause: float = 0.0
    """Seconds between two pieces."""
    reads: bool = False
    slowly: bool = False
    """Whether to read 400 kB a second, instead of all available bytes."""
    holds: bool = True
    """Whether a connection with nothing left to send stays open."""
    half_closed: bool = False
    """Whether the sending side is closed after `first`."""
    raw: bool = False
    """Whether to send these bytes as they are even on a TLS port."""
    key_updates: bool = False
    """Whether to request endless TLS key updates, instead of everything else."""

    @property
    def work(self) -> int:
        """The number of bytes in which everything is sent once."""
        return 1 if self.key_updates else len(self.first) + len(self.repeat)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack: each connection of a client uses the next of the scripts."""

    name: str
    scripts: tuple[Script, ...]
    connections: int = 1
    """Number of concurrent connections of each client."""
    addresses: Sequence[str] = ("127.0.0.1",)
    """Addresses that the connections come from; other clients always have the first."""
    tls_only: bool = False
    users_only: bool = False
    needs_responses: bool = False
    """Whether it has little effect if the attackers get only errors."""


def _repeat_and_read(*requests: bytes, raw: bool = False) -> tuple[Script, ...]:
    """Return a script for each request that repeats it and reads the responses."""
    return tuple(Script(repeat=request, reads=True, raw=raw) for request in requests)


def _render_logins(names: Iterable[str], passwords: Iterable[str]) -> bytes:
    """Return pipelined requests with these logins."""
    tokens = (
        base64.b64encode(f"{name}:{password}".encode())
        for name, password in zip(names, passwords, strict=True)
    )
    return b"".join(
        b"GET /metrics HTTP/1.1\r\n" + _HOST + b"Authorization: Basic %b\r\n\r\n" % token for token in tokens
    )


def _create_client_hello() -> bytes:
    """Return a TLS client's first message, for which a server computes a shared secret and a signature."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing, server_hostname="attacked")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


HELLO = _create_client_hello()
_WORDS = [f"{number}" for number in range(2000)]
_GARBAGE = random.Random(1).randbytes(_LARGE)  # noqa: S311 -- the same noise each time
_HOSTS = (
    b"GET /metrics HTTP/1.1\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a/b@c d\r\n\r\n",
    b"GET /metrics HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
)
_UNUSUAL = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"CONNECT attacked:443 HTTP/1.1\r\n" + _HOST + b"\r\n",
    b"TRACE /metrics HTTP/1.1\r\n" + _HOST + b"\r\n",
    _GET % b"http://elsewhere/metrics",
    _GET % b"/%ff%00%2e%2e%zz",
    _GET % b"/\x00\x01\xff",
    b"GET /metrics HTTP/1.1\nHost: attacked\n\n",
    b"GET /metrics HTTP/1.1\rHost: attacked\r\r",
    b"GET /metrics HTTP/1.1\r\nHost: attacked\r\nX: a\r\n folded\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost : attacked\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: attacked\r\nX\x00Y: \x00\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\n" + _HOST + b"\r\n",
    b"GET /metrics\r\n",
    b"HEAD /metrics HTTP/1.1\r\n" + _HOST + b"Content-Length: 5\r\n\r\nhello",
    _POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    _POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    _POST + b"Content-Length: -1\r\n\r\n",
    _POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    _POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + _HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + _HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
)

_NOT_READ_IN_TIME = (
    Script(first=_GET % b"/metrics"),
    Script(first=_GET % b"/"),
    Script(repeat=_GET % b"/metrics", reads=True, slowly=True),
)
_TWENTY_ADDRESSES = tuple(f"127.0.0.{number}" for number in range(2, 22))

ATTACKS = (
    Attack(name="endless request line", scripts=(Script(first=b"GET /", repeat=_FILLER, reads=True),)),
    Attack(
        name="endless headers",
        scripts=(
            Script(first=_GET[:-2] % b"/" + b"X: ", repeat=_FILLER, reads=True),
            Script(first=_GET[:-2] % b"/", repeat=b"X: x\r\n" * 10_000, reads=True),
            Script(first=_GET[:-2] % b"/" + b"X: x\r\n", repeat=b" x\r\n" * 10_000, reads=True),
        ),
    ),
    Attack(
        name="slow headers (Slowloris)",
        scripts=(Script(first=_GET[:-2] % b"/", repeat=b"X: x\r\n", piece=1, pause=0.02),),
        connections=10,
    ),
    Attack(
        name="requests sent byte by byte",
        scripts=(Script(repeat=_GET % b"/-/healthy", piece=1, reads=True),),
    ),
    Attack(name="missing, repeated or invalid Host", scripts=_repeat_and_read(*_HOSTS)),
    Attack(name="pipelined requests, responses not read", scripts=(Script(repeat=_GET % b"/x" * 1500),)),
    Attack(name="pipelined requests, responses read", scripts=_repeat_and_read(_GET % b"/-/healthy" * 1000)),
    Attack(
        name="endless body, or bytes after the body",
        scripts=(
            Script(first=_POST + _ANY_LENGTH, repeat=_FILLER, reads=True),
            Script(first=(_GET[:-2] % b"/metrics") + _ANY_LENGTH, repeat=_FILLER),
            Script(first=_POST + _ANY_LENGTH, repeat=b"x", pause=0.02),
            Script(first=_POST + _LENGTH % 1, repeat=_FILLER),
            Script(first=_CHUNKED + b"0\r\n\r\n", repeat=_FILLER),
        ),
    ),
    Attack(
        name="endless chunked body",
        scripts=(
            Script(first=_CHUNKED, repeat=b"10000\r\n" + _FILLER + b"\r\n", reads=True),
            Script(first=_CHUNKED, repeat=b"1\r\nx\r\n" * 10_000),
            Script(first=_CHUNKED + b"fffffffffffffff\r\n", repeat=_FILLER),
            Script(first=_CHUNKED + b"1;", repeat=_FILLER),
            Script(first=_CHUNKED + b"0\r\n", repeat=b"X: x\r\n" * 10_000),
            Script(first=_CHUNKED.replace(b"POST /-/reload", b"GET /metrics"), repeat=b"1\r\nx\r\n" * 10_000),
        ),
    ),
    Attack(
        name="responses read slowly or not at all",
        scripts=_NOT_READ_IN_TIME,
        connections=3,
        needs_responses=True,
    ),
    Attack(
        name="responses read slowly or not at all, from 20 addresses",
        scripts=_NOT_READ_IN_TIME,
        connections=3,
        addresses=_TWENTY_ADDRESSES,
        needs_responses=True,
    ),
    Attack(name="idle connections", scripts=(Script(),), connections=10),
    Attack(
        name="idle connections, from 20 addresses",
        scripts=(Script(),),
        connections=10,
        addresses=_TWENTY_ADDRESSES,
    ),
    Attack(
        name="connections opened and closed",
        scripts=(
            Script(holds=False, raw=True),
            Script(holds=False),
            Script(first=_GET % b"/metrics", holds=False),
        ),
    ),
    Attack(
        name="half-closed connections",
        scripts=(
            Script(first=_GET[:-2] % b"/metrics", half_closed=True),
            Script(first=_GET % b"/metrics", half_closed=True),
            Script(half_closed=True),
        ),
        connections=2,
    ),
    Attack(
        name="unusual requests and random bytes",
        scripts=(
            Script(repeat=_GARBAGE, raw=True),
            Script(first=HELLO, raw=True),
            *_repeat_and_read(*_UNUSUAL),
        ),
    ),
    Attack(
        name="expensive filters and pages",
        needs_responses=True,
        scripts=_repeat_and_read(
            b"".join(_GET % b"/metrics?%b%d" % (_LARGEST, number) for number in range(50)),
            _GET % (b"/metrics?" + _NAMES),
            _GET % b"/metrics?deployment=coder",
            _GET[:-2] % b"/metrics" + b"Accept: " + b"," * 30_000 + b"\r\n\r\n",
            _GET % b"/",
            _GET % b"/config",
        ),
    ),
    Attack(name="reloads", scripts=_repeat_and_read(_POST + _LENGTH % 0)),
    Attack(
        name="failed logins",
        users_only=True,
        scripts=_repeat_and_read(
            _render_logins(_WORDS, _WORDS),
            _render_logins(["prometheus"] * len(_WORDS), _WORDS),
            _render_logins(["unknown"] * len(_WORDS), ["x" * 100] * len(_WORDS)),
            b"GET / HTTP/1.1\r\n" + _HOST + b"Authorization: Basic " + b"A" * 8000 + b"\r\n\r\n",
        ),
    ),
    Attack(
        name="aborted TLS handshakes",
        tls_only=True,
        scripts=(
            Script(first=HELLO, raw=True, holds=False),
            Script(first=HELLO, raw=True),
            Script(first=HELLO[:50], raw=True),
            Script(raw=True),
        ),
        connections=2,
    ),
    Attack(
        name="endless TLS handshakes",
        tls_only=True,
        scripts=(
            Script(first=HELLO[:50], repeat=b"\0", piece=1, pause=0.02, raw=True),
            Script(repeat=b"\x16\x03\x01\x40\x00" + bytes(0x4000), raw=True),
            Script(first=HELLO, repeat=b"\x14\x03\x03\x00\x01\x01" * 1000, raw=True),
        ),
    ),
    Attack(name="endless TLS key updates", tls_only=True, scripts=(Script(key_updates=True, raw=True),)),
    Attack(
        name="plain HTTP instead of TLS",
        tls_only=True,
        scripts=_repeat_and_read(_GET % b"/metrics" * 1000, raw=True),
    ),
)
"""Every attack; each script gets an equal share of the time."""
