"""The faults that an embedded Coder can have, by name, and what they send."""

import asyncio
import os
import re
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from itertools import chain, repeat

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from insights_exporter.demo.context import GROUPS_FEATURE, Entitlement
from insights_exporter.demo.error_responses import (
    DISABLED,
    FORBIDDEN,
    LOGIN_EXPIRED,
    MISSING,
    NO_RESOURCE,
    NO_ROUTE,
    NOT_LICENSED,
    SUSPENDED,
    ErrorResponse,
    refuse_rate,
    refuse_token,
    refuse_value,
)
from insights_exporter.demo.go_format import dump_json

Effect = Callable[[Response], Response]
"""Returns what is sent instead of the response of a server without faults."""

DAY = timedelta(days=1)
WAIT = timedelta(seconds=60)
HTML = {"Content-Type": "text/html"}
LAST_DAY = "Fri, 31 Dec 9999 23:59:59 GMT"
SIGN_IN = b"<!doctype html><html><head><title>Sign in</title></head><body><form></form></body></html>"
TWO_DOCUMENTS = dump_json(
    {"message": "Internal error fetching DAUs.", "detail": "pq: out of memory"}
) + dump_json({"entries": [], "tz_hour_offset": 0})
TRANSPORT = "transport"
"""Key of the asyncio transport in the state of a request."""
SECONDS_PER_BYTE = 1.0
CHUNK = 1 << 20
ENDLESS_ENTRY = b'{"date":"2024-05-20","amount":1},' * 2000
NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `about` completes the sentence "The embedded Coder ...".

    `closed` refuses connections, `skew` sets the server's clock wrong, `unlicensed` are features that the
    license lacks.
    """

    name: str
    about: str
    effect: Effect = lambda response: response
    closed: bool = False
    skew: timedelta = timedelta()
    license: Entitlement = "entitled"
    unlicensed: Collection[str] = ()


class NoResponse(Response):
    """Accepts the request and never responds."""

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        """Wait until the client disconnects."""
        await _wait_disconnected(receive)


class RawResponse(Response):
    """Writes bytes without any framing, then closes the connection."""

    def __init__(self, status: int, content: bytes, *, reset: bool = False) -> None:
        super().__init__(status_code=status)
        self.content = content
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        """Write, and close the connection, if wanted by a reset."""
        transport: asyncio.Transport = scope["state"][TRANSPORT]
        transport.write(self.content)
        if self.reset:
            # Then closing sends RST; the option belongs to the connection, not to the copied descriptor.
            descriptor = os.dup(transport.get_extra_info("socket").fileno())
            with socket.socket(fileno=descriptor) as copy:
                copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            transport.abort()
        else:
            transport.close()
        await _wait_disconnected(receive)


def _serialize(response: Response, body: bytes) -> bytes:
    """Return the bytes of a response, with another body."""
    phrase = HTTPStatus(response.status_code).phrase
    lines = [f"HTTP/1.1 {response.status_code} {phrase}".encode()]
    lines += [b": ".join(header) for header in response.raw_headers]
    return b"\r\n".join([*lines, b"", body])


def _send_gzip_bomb(response: Response) -> Response:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first, again = (packer.compress(b" " * CHUNK) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = _stream(response, chain((first,), repeat(again)))
    bomb.headers["Content-Encoding"] = "gzip"
    return bomb


def _stream(response: Response, chunks: AsyncIterator[bytes] | Iterable[bytes]) -> Response:
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return StreamingResponse(chunks, response.status_code, headers)


async def _slow_down(body: bytes | memoryview) -> AsyncIterator[bytes]:
    for byte in body:
        yield bytes((byte,))
        await asyncio.sleep(SECONDS_PER_BYTE)


async def _wait_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _send(body: bytes, status: int, headers: Mapping[str, str]) -> Effect:
    """Return the effect that replaces body, status, and headers of these names."""
    replaced = {"content-length", *map(str.lower, headers)}

    def send(response: Response) -> Response:
        kept = {name: value for name, value in response.headers.items() if name not in replaced}
        return Response(body, status, {**kept, **headers})

    return send


def _send_page(status: int) -> Effect:
    title = HTTPStatus(status).phrase
    body = f"<html><head><title>{status} {title}</title></head><body>{title}</body></html>"
    return _send(body.encode(), status, HTML)


def _refuse(error: ErrorResponse) -> Effect:
    return _send(dump_json(error.body), error.status, error.headers)


def _set_last_day(response: Response) -> Response:
    response.headers["Date"] = LAST_DAY
    return response


def _refuse_until(response: Response) -> Response:
    refused = _refuse(refuse_rate(512))(response)
    retry_at = parsedate_to_datetime(response.headers["Date"]) + WAIT
    refused.headers["Retry-After"] = format_datetime(retry_at, usegmt=True)
    return refused


def _truncate(response: Response, *, reset: bool = False) -> Response:
    half = bytes(response.body)[: len(response.body) // 2]
    return RawResponse(response.status_code, _serialize(response, half), reset=reset)


def _declare_wrong_length(response: Response) -> Response:
    body = bytes(response.body)
    response.headers["Content-Length"] = str(len(body) // 2)
    # Otherwise the client would read the rest as the next response, which must have this fault only.
    response.headers["Connection"] = "close"
    return RawResponse(response.status_code, _serialize(response, body))


def _clear_build_times(response: Response) -> Response:
    body = re.sub(rb'"(P50|P95)":\d+', rb'"\1":null', bytes(response.body))
    return _send(body, response.status_code, {})(response)


def _break_utf8(response: Response) -> Response:
    body = bytes(response.body).replace(b'":"', b'":"\xff\xfe', 1)
    return _send(body, response.status_code, {})(response)


_FAULTS = (
    # Servers that share a port reset the connection instead of closing the port.
    Fault("refused", "refuses connections", lambda _: RawResponse(200, b"", reset=True), closed=True),
    Fault("no-response", "accepts requests and never responds", lambda _: NoResponse()),
    Fault("slow", "sends one byte a second", lambda response: _stream(response, _slow_down(response.body))),
    Fault("reset", "resets the connection in the middle of the body", partial(_truncate, reset=True)),
    Fault("truncated", "closes the connection in the middle of the body", _truncate),
    Fault("wrong-length", "declares half of the body's length", _declare_wrong_length),
    Fault("sign-in-page", "responds with the page of a sign-in proxy", _send(SIGN_IN, 200, HTML)),
    Fault("gzip-bomb", "sends gzip that never stops unpacking", _send_gzip_bomb),
    Fault(
        "endless",
        "sends an endless list",
        lambda response: _stream(response, chain((b'{"entries":[',), repeat(ENDLESS_ENTRY))),
    ),
    Fault("bad-utf8", "sends text that is not UTF-8", _break_utf8),
    Fault("wrong-shape", "sends JSON that is neither an object nor a list", _send(b'"unexpected"', 200, {})),
    Fault(
        "redirect", "redirects to another host", _send(b"", 302, {"Location": "https://login.example.com/"})
    ),
    Fault("400", "refuses the parameters", _refuse(refuse_value("end_time", "must not be in the future"))),
    Fault("401", "refuses the token", _refuse(refuse_token("API key is invalid."))),
    Fault("401-missing", "is behind a proxy that removes the token", _refuse(refuse_token(MISSING))),
    Fault(
        "401-malformed",
        "gets a truncated token",
        _refuse(refuse_token("Invalid API key format: invalid API key secret length, expected 22 got 7")),
    ),
    Fault(
        "401-secret",
        "knows the ID of the token, but not its secret",
        _refuse(refuse_token("API key secret is invalid.")),
    ),
    Fault(
        "401-expired",
        "reports that the token has expired",
        _refuse(refuse_token('API key expired at "2026-05-01 00:00:00 +0000 UTC"')),
    ),
    Fault("401-suspended", "has suspended the token's user", _refuse(SUSPENDED)),
    Fault("401-login", "cannot refresh a browser login", _refuse(LOGIN_EXPIRED)),
    Fault("403", "refuses the role", _refuse(FORBIDDEN)),
    Fault("403-premium", "has no license for this data", _refuse(NOT_LICENSED)),
    Fault("403-proxy", "is behind a proxy that refuses the requests", _send_page(403)),
    *(
        Fault(str(status), f"is behind a proxy that responds with {status}", _send_page(status))
        for status in (405, 407, 408, 413, 421, 431, 451, 502, 503, 504)
    ),
    Fault("404-route", "does not have the path", _refuse(NO_ROUTE)),
    Fault("404-no-access", "hides what the role may not see", _refuse(NO_RESOURCE)),
    Fault("404-disabled", "has usage statistics switched off", _refuse(DISABLED)),
    Fault("429-seconds", "limits the rate, with a Retry-After in seconds", _refuse(refuse_rate(512))),
    Fault("429-date", "limits the rate, with a Retry-After date", _refuse_until),
    Fault("500", "fails with two JSON documents", _send(TWO_DOCUMENTS, 500, {})),
    Fault("not-licensed", "has no license, so no groups and no seats", license="not_entitled"),
    Fault("groups-not-licensed", "has a license without groups", unlicensed=(GROUPS_FEATURE,)),
    Fault(
        "seats-not-licensed",
        "has a license without seats and agent runtime",
        unlicensed=("user_limit", "ai_governance_user_limit", "agent_runtime_hours"),
    ),
    Fault("grace-period", "has a license in its grace period", license="grace_period"),
    Fault("no-build-times", "has not computed the build times of templates yet", _clear_build_times),
    Fault("clock-ahead", "has a clock that is a day ahead", skew=DAY),
    Fault("clock-behind", "has a clock that is a day behind", skew=-DAY),
    Fault("clock-far-future", "reports the last day of the calendar", _set_last_day),
)
FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _FAULTS}
HEALTHY = Fault("", "has no fault")
