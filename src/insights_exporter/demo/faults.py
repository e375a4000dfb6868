"""The faults that an embedded Coder can have, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from starlette.responses import Response

from insights_exporter.demo import fault_responses
from insights_exporter.demo.error_responses import (
    DISABLED,
    LOGIN_EXPIRED,
    MISSING,
    NO_RESOURCE,
    NO_ROUTE,
    NOT_LICENSED,
    SUSPENDED,
    ErrorResponse,
    bad_value,
    forbidden,
    signed_out,
    too_many,
)
from insights_exporter.demo.go_format import dump_json
from insights_exporter.demo.validation import API
from insights_exporter.demo.versions import VERSION_2026

Effect = Callable[[Response], Response]
"""Returns what is sent instead of the response of a server without faults."""

DAY = timedelta(days=1)
WAIT = timedelta(seconds=60)
EVERYWHERE = ""
LAST_DAY = "Fri, 31 Dec 9999 23:59:59 GMT"
SIGN_IN = b"<!doctype html><html><head><title>Sign in</title></head><body><form></form></body></html>"
TWO_DOCUMENTS = dump_json(
    {"message": "Internal error fetching DAUs.", "detail": "pq: out of memory"}
) + dump_json({"entries": [], "tz_hour_offset": 0})


def _unchanged(response: Response) -> Response:
    return response


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `about` completes the sentence "The Coder ...".

    `closed` refuses connections, `skew` sets the server's clock wrong, `unlicensed` removes the license.
    """

    about: str
    effect: Effect = _unchanged
    closed: bool = False
    skew: timedelta = timedelta()
    unlicensed: bool = False


def _replace(response: Response, body: bytes, status: int, headers: Mapping[str, str]) -> Response:
    """Return a response with another body and status, and other headers of these names."""
    replaced = {"content-length", *map(str.lower, headers)}
    kept = {name: value for name, value in response.headers.items() if name not in replaced}
    return Response(body, status, {**kept, **headers})


def _send(body: bytes, status: int = 200, media_type: str = "application/json; charset=utf-8") -> Effect:
    return lambda response: _replace(response, body, status, {"Content-Type": media_type})


def _send_page(status: int, title: str) -> Effect:
    body = f"<html><head><title>{status} {title}</title></head><body>{title}</body></html>"
    return _send(body.encode(), status, "text/html")


def _refuse(error: ErrorResponse) -> Effect:
    return lambda response: _replace(response, dump_json(error.body), error.status, error.headers)


def _refuse_token(detail: str) -> Effect:
    return _refuse(signed_out(detail, VERSION_2026))


def _redirect(response: Response) -> Response:
    return _replace(response, b"", 302, {"Location": "https://login.example.com/"})


def _set_last_day(response: Response) -> Response:
    response.headers["Date"] = LAST_DAY
    return response


def _retry_at(response: Response) -> Response:
    refused = _refuse(too_many(512, VERSION_2026))(response)
    retry_at = parsedate_to_datetime(response.headers["Date"]) + WAIT
    refused.headers["Retry-After"] = format_datetime(retry_at, usegmt=True)
    return refused


def _cut(*, reset: bool) -> Effect:
    def cut(response: Response) -> Response:
        half = bytes(response.body)[: len(response.body) // 2]
        content = fault_responses.serialize(response, half)
        return fault_responses.RawResponse(response.status_code, content, reset=reset)

    return cut


def _wrong_length(response: Response) -> Response:
    body = bytes(response.body)
    response.headers["Content-Length"] = str(len(body) // 2)
    # Otherwise the client would read the rest as the next response, which must have this fault only.
    response.headers["Connection"] = "close"
    return fault_responses.RawResponse(response.status_code, fault_responses.serialize(response, body))


def _bad_utf8(response: Response) -> Response:
    body = bytes(response.body).replace(b'":"', b'":"\xff\xfe', 1)
    return _replace(response, body, response.status_code, {})


def _refuse_connection(response: Response) -> Response:
    # For servers that share a port, which stays open; all others close it.
    return fault_responses.RawResponse(response.status_code, b"", reset=True)


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "refused": Fault("refuses connections", _refuse_connection, closed=True),
        "no-response": Fault("accepts requests and never responds", lambda _: fault_responses.NoResponse()),
        "slow": Fault("sends one byte a second", fault_responses.slow),
        "reset": Fault("resets the connection in the middle of the body", _cut(reset=True)),
        "truncated": Fault("closes the connection in the middle of the body", _cut(reset=False)),
        "wrong-length": Fault("declares half of the body's length", _wrong_length),
        "sign-in-page": Fault(
            "responds with 200 and the HTML page of a sign-in proxy", _send(SIGN_IN, 200, "text/html")
        ),
        "gzip-bomb": Fault("sends gzip that never stops unpacking", fault_responses.gzip_bomb),
        "endless": Fault("sends an endless list", fault_responses.endless),
        "bad-utf8": Fault("sends text that is not UTF-8", _bad_utf8),
        "wrong-shape": Fault("sends JSON that is neither an object nor a list", _send(b'"unexpected"')),
        "redirect": Fault("redirects to another host", _redirect),
        "400": Fault("refuses the parameters", _refuse(bad_value("end_time", "must not be in the future"))),
        "401": Fault("refuses the token", _refuse_token("API key is invalid.")),
        "401-missing": Fault("is behind a proxy that removes the token", _refuse_token(MISSING)),
        "401-malformed": Fault(
            "gets a truncated token",
            _refuse_token("Invalid API key format: invalid API key secret length, expected 22 got 7"),
        ),
        "401-secret": Fault(
            "knows the ID of the token, but not its secret", _refuse_token("API key secret is invalid.")
        ),
        "401-expired": Fault(
            "reports that the token has expired",
            _refuse_token('API key expired at "2026-05-01 00:00:00 +0000 UTC"'),
        ),
        "401-suspended": Fault("has suspended the token's user", _refuse(SUSPENDED)),
        "401-login": Fault("cannot refresh a browser login", _refuse(LOGIN_EXPIRED)),
        "403": Fault("refuses the role", _refuse(forbidden(VERSION_2026))),
        "403-premium": Fault("has no license for this data", _refuse(NOT_LICENSED)),
        "403-proxy": Fault("is behind a proxy that refuses the requests", _send_page(403, "Forbidden")),
        "405": Fault(
            "is behind a proxy that does not allow the method", _send_page(405, "Method Not Allowed")
        ),
        "407": Fault(
            "is behind a proxy that requires a login", _send_page(407, "Proxy Authentication Required")
        ),
        "413": Fault("is behind a proxy with a low limit for bodies", _send_page(413, "Content Too Large")),
        "421": Fault("is behind a proxy for other hosts", _send_page(421, "Misdirected Request")),
        "431": Fault(
            "is behind a proxy with a low limit for headers",
            _send_page(431, "Request Header Fields Too Large"),
        ),
        "451": Fault("is behind a proxy with a block list", _send_page(451, "Unavailable For Legal Reasons")),
        "404-route": Fault("does not have the path", _refuse(NO_ROUTE)),
        "404-no-access": Fault("hides what the role may not see", _refuse(NO_RESOURCE)),
        "404-disabled": Fault("has usage statistics switched off", _refuse(DISABLED)),
        "408": Fault("times out while reading requests", _send_page(408, "Request Timeout")),
        "429-seconds": Fault(
            "limits the rate, with a Retry-After in seconds", _refuse(too_many(512, VERSION_2026))
        ),
        "429-date": Fault("limits the rate, with a Retry-After date", _retry_at),
        "500": Fault("fails with two JSON documents", _send(TWO_DOCUMENTS, 500)),
        "502": Fault("is behind a proxy that cannot reach it", _send_page(502, "Bad Gateway")),
        "503": Fault("is behind a proxy without a server", _send_page(503, "Service Unavailable")),
        "504": Fault("is behind a proxy that timed out", _send_page(504, "Gateway Timeout")),
        "not-licensed": Fault("has no license, so no groups and no seats", unlicensed=True),
        "clock-ahead": Fault("has a clock that is a day ahead", skew=DAY),
        "clock-behind": Fault("has a clock that is a day behind", skew=-DAY),
        "clock-far-future": Fault("reports the last day of the calendar", _set_last_day),
    }
)


class Certificate(NamedTuple):
    """The files of a certificate: its chain and its key, both PEM."""

    chain: Path
    key: Path


class Listener(Protocol):
    """A listening server; each method returns when it has taken effect."""

    def open(self) -> None:
        """Listen again, on the same port."""

    def close(self) -> None:
        """Refuse new connections, and close the existing ones."""

    def set_certificate(self, certificate: Certificate) -> None:
        """Use another certificate, and close the connections made with the old one."""


@dataclass(slots=True)
class FaultState:
    """The faults of one server by path, and its listeners."""

    by_path: dict[str, str] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)
    is_closed: bool = False

    def begin(self, name: str, paths: tuple[str, ...]) -> None:
        """Begin a fault at paths, or everywhere if there are none."""
        fault = FAULTS.get(name)
        if fault is None:
            raise ValueError(f"unknown fault {name!r}; known are {', '.join(FAULTS)}")
        self.by_path.update(dict.fromkeys(paths or (EVERYWHERE,), name))
        self._update_listeners()

    def end(self) -> None:
        """End all faults."""
        self.by_path.clear()
        self._update_listeners()

    def at(self, path: str) -> tuple[str, Fault] | None:
        """Return name and fault of a path; a fault of the path takes precedence over one of all paths."""
        name = self.by_path.get(path.removeprefix(API)) or self.by_path.get(EVERYWHERE)
        return (name, FAULTS[name]) if name else None

    def skew(self, path: str) -> timedelta:
        """Return the clock error for a path."""
        found = self.at(path)
        return found[1].skew if found else timedelta()

    def is_unlicensed(self, path: str) -> bool:
        """Return whether there is no license for a path."""
        found = self.at(path)
        return found is not None and found[1].unlicensed

    def _update_listeners(self) -> None:
        everywhere = FAULTS.get(self.by_path.get(EVERYWHERE, ""))
        closed = everywhere is not None and everywhere.closed
        if closed != self.is_closed:
            self.is_closed = closed
            for listener in self.listeners:
                (listener.close if closed else listener.open)()
