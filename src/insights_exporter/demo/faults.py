"""The faults that an embedded Coder can be told to have, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from starlette.responses import Response

from insights_exporter.demo import fault_responses as wire
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
from insights_exporter.demo.versions import GENERATION_2026

Act = Callable[[Response], Response]
"""From the answer of a healthy server to what is sent instead."""
DAY = timedelta(days=1)
WAIT = timedelta(seconds=60)
LAST_DAY = "Fri, 31 Dec 9999 23:59:59 GMT"
SIGN_IN = b"<!doctype html><html><head><title>Sign in</title></head><body><form></form></body></html>"
TWO_DOCUMENTS = dump_json(
    {"message": "Internal error fetching DAUs.", "detail": "pq: out of memory"}
) + dump_json({"entries": [], "tz_hour_offset": 0})


def _unchanged(response: Response) -> Response:
    return response


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail.

    `closed` refuses connections, `skew` puts the server's clock wrong, `unlicensed` takes the license away.
    """

    about: str
    act: Act = _unchanged
    closed: bool = False
    skew: timedelta = timedelta()
    unlicensed: bool = False


def _refusing(refusal: ErrorResponse) -> Act:
    def act(response: Response) -> Response:
        return _instead(response, dump_json(refusal.body), refusal.status, refusal.headers)

    return act


def _signed_out(detail: str) -> Act:
    return _refusing(signed_out(detail, GENERATION_2026))


def _saying(body: bytes, status: int = 200, media_type: str = "application/json; charset=utf-8") -> Act:
    def act(response: Response) -> Response:
        return _instead(response, body, status, {"Content-Type": media_type})

    return act


def _page(status: int, title: str) -> Act:
    body = f"<html><head><title>{status} {title}</title></head><body>{title}</body></html>"
    return _saying(body.encode(), status, "text/html")


def _instead(response: Response, body: bytes, status: int, headers: Mapping[str, str]) -> Response:
    fixed = {"content-length", *map(str.lower, headers)}
    kept = {name: value for name, value in response.headers.items() if name not in fixed}
    return Response(body, status, {**kept, **headers})


def _redirect(response: Response) -> Response:
    return _instead(response, b"", 302, {"Location": "https://login.example.com/"})


def _dated(text: str) -> Act:
    def act(response: Response) -> Response:
        response.headers["Date"] = text
        return response

    return act


def _retry_at(response: Response) -> Response:
    refused = _refusing(too_many(512, GENERATION_2026))(response)
    later = parsedate_to_datetime(response.headers["Date"]) + WAIT
    refused.headers["Retry-After"] = format_datetime(later, usegmt=True)
    return refused


def _reset(response: Response) -> Response:
    body = bytes(response.body)
    return wire.Raw(response.status_code, wire.written(response, body[: len(body) // 2]), reset=True)


def _truncated(response: Response) -> Response:
    body = bytes(response.body)
    return wire.Raw(response.status_code, wire.written(response, body[: len(body) // 2]))


def _wrong_length(response: Response) -> Response:
    body = bytes(response.body)
    response.headers["Content-Length"] = str(len(body) // 2)
    # What is left over must not be taken for the next answer: every request has this fault alone.
    response.headers["Connection"] = "close"
    return wire.Raw(response.status_code, wire.written(response, body))


def _bad_utf8(response: Response) -> Response:
    body = bytes(response.body).replace(b'":"', b'":"\xff\xfe', 1)
    return _instead(response, body, response.status_code, {})


def _silence(_response: Response) -> Response:
    return wire.NoResponse()


def _refused(response: Response) -> Response:
    # Where several servers share a port it stays open, and this is the nearest thing.
    return wire.Raw(response.status_code, b"", reset=True)


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "refused": Fault("refuses connections", _refused, closed=True),
        "silence": Fault("accepts a request and never answers", _silence),
        "slow": Fault("sends one byte a second", wire.slow),
        "reset": Fault("resets the connection in the middle of the body", _reset),
        "truncated": Fault("closes the connection in the middle of the body", _truncated),
        "wrong-length": Fault("announces half of the body's length", _wrong_length),
        "sign-in-page": Fault(
            "answers 200 with the HTML page of a sign-in proxy", _saying(SIGN_IN, 200, "text/html")
        ),
        "gzip-bomb": Fault("sends gzip that unpacks without end", wire.gzip_bomb),
        "endless": Fault("sends a list without end", wire.endless),
        "bad-utf8": Fault("sends text that is no UTF-8", _bad_utf8),
        "wrong-shape": Fault("sends JSON that is neither an object nor a list", _saying(b'"unexpected"')),
        "redirect": Fault("redirects to another host", _redirect),
        "400": Fault("refuses the parameters", _refusing(bad_value("end_time", "must not be in the future"))),
        "401": Fault("refuses the token", _signed_out("API key is invalid.")),
        "401-missing": Fault("is behind a proxy that removes the token", _signed_out(MISSING)),
        "401-malformed": Fault(
            "got a token that was cut",
            _signed_out("Invalid API key format: invalid API key secret length, expected 22 got 7"),
        ),
        "401-secret": Fault(
            "knows the token's ID, not its secret", _signed_out("API key secret is invalid.")
        ),
        "401-expired": Fault(
            "says that the token expired", _signed_out('API key expired at "2026-05-01 00:00:00 +0000 UTC"')
        ),
        "401-suspended": Fault("has suspended the token's user", _refusing(SUSPENDED)),
        "401-login": Fault("cannot refresh a browser login", _refusing(LOGIN_EXPIRED)),
        "403": Fault("refuses the role", _refusing(forbidden(GENERATION_2026))),
        "403-premium": Fault("has no license for it", _refusing(NOT_LICENSED)),
        "403-proxy": Fault("is behind a proxy that forbids it", _page(403, "Forbidden")),
        "405": Fault("is behind a proxy that allows no such method", _page(405, "Method Not Allowed")),
        "407": Fault("is behind a proxy that wants a login", _page(407, "Proxy Authentication Required")),
        "413": Fault("is behind a proxy that takes no such request", _page(413, "Content Too Large")),
        "421": Fault("is behind a proxy for other hosts", _page(421, "Misdirected Request")),
        "431": Fault("is behind a proxy with a low limit", _page(431, "Request Header Fields Too Large")),
        "451": Fault("is behind a proxy with a block list", _page(451, "Unavailable For Legal Reasons")),
        "404-route": Fault("knows no such path", _refusing(NO_ROUTE)),
        "404-resource": Fault("hides what the role may not see", _refusing(NO_RESOURCE)),
        "404-disabled": Fault("has its statistics switched off", _refusing(DISABLED)),
        "408": Fault("tires of waiting", _page(408, "Request Timeout")),
        "429-seconds": Fault(
            "limits the rate, with a wait in seconds", _refusing(too_many(512, GENERATION_2026))
        ),
        "429-date": Fault("limits the rate, with a date to wait for", _retry_at),
        "500": Fault("fails inside, with two JSON documents", _saying(TWO_DOCUMENTS, 500)),
        "502": Fault("is behind a proxy that finds nobody", _page(502, "Bad Gateway")),
        "503": Fault("is behind a proxy that has given up", _page(503, "Service Unavailable")),
        "504": Fault("is behind a proxy that tired of waiting", _page(504, "Gateway Timeout")),
        "not-licensed": Fault("has no license, so neither groups nor seats", unlicensed=True),
        "clock-ahead": Fault("has its clock a day ahead", skew=DAY),
        "clock-behind": Fault("has its clock a day behind", skew=-DAY),
        "clock-absurd": Fault("tells the last day of the calendar", _dated(LAST_DAY)),
    }
)


EVERYWHERE = ""


class Certificate(NamedTuple):
    """The files of a certificate: its chain and its key, both PEM."""

    chain: Path
    key: Path


class Door(Protocol):
    """A listening server; each method returns when it is done."""

    def open(self) -> None:
        """Listen again, on the same port."""

    def close(self) -> None:
        """Refuse new connections, and end those that are."""

    def present(self, certificate: Certificate) -> None:
        """Show another certificate, and end the connections made with the old one."""


@dataclass(slots=True)
class FaultState:
    """The faults of one server by path, and the doors at which it listens."""

    faults: dict[str, str] = field(default_factory=dict)
    doors: list[Door] = field(default_factory=list)
    closed: bool = False

    def begin(self, name: str, paths: tuple[str, ...]) -> None:
        """Have a fault at paths, or everywhere without any."""
        fault = FAULTS.get(name)
        if fault is None:
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
        self.faults.update(dict.fromkeys(paths or (EVERYWHERE,), name))
        self._move_doors()

    def end(self) -> None:
        """Have no fault any more."""
        self.faults.clear()
        self._move_doors()

    def at(self, path: str) -> tuple[str, Fault] | None:
        """Give the fault of a path, by name; one for the path alone wins."""
        name = self.faults.get(path.removeprefix(API)) or self.faults.get(EVERYWHERE)
        return (name, FAULTS[name]) if name else None

    def skew(self, path: str) -> timedelta:
        """Give by how much the clock is wrong for a path."""
        found = self.at(path)
        return found[1].skew if found else timedelta()

    def is_unlicensed(self, path: str) -> bool:
        """Return whether there is no license for a path."""
        found = self.at(path)
        return found is not None and found[1].unlicensed

    def _move_doors(self) -> None:
        everywhere = FAULTS.get(self.faults.get(EVERYWHERE, ""))
        closed = everywhere is not None and everywhere.closed
        if closed != self.closed:
            self.closed = closed
            for door in self.doors:
                (door.close if closed else door.open)()
