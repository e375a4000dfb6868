"""Requests and responses, and how a request is encoded in the query dialects of servers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec


class TimeRange(msgspec.Struct, frozen=True, gc=False):
    """From `start` up to `end`, both aware and in the offset to be sent."""

    start: datetime
    end: datetime


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request to Coder.

    Attributes:
        path: below the root of the API.
        span: what the report covers, encoded as the server's query dialect demands.
        subject: identifies the response among those of one poll (`today`, a template's id).
        extra: parameters that only the real server has.
        alternative: parameters of servers of other versions, sent if `extra` is rejected.
        needs_extra: whether the request is impossible in the published dialect.
        if_refused: the requests to send if the server refuses this one.
    """

    path: str
    span: TimeRange | None = None
    subject: str = ""
    extra: Mapping[str, str] = {}
    alternative: Mapping[str, str] = {}
    needs_extra: bool = False
    if_refused: tuple["Request", ...] = ()


class Response(msgspec.Struct, frozen=True, gc=False):
    """A response to a request: the body of a 200, not yet decoded."""

    request: Request
    body: bytes


class InvalidResponse(ValueError):
    """A 200 that cannot be what was requested; the message is one line without data of the response.

    Attributes:
        cause: `newer_coder` if it is a response of Coder in an unknown shape, else `invalid`.
    """

    def __init__(self, message: str, cause: Literal["invalid", "newer_coder"] = "invalid") -> None:
        super().__init__(message)
        self.cause: Literal["invalid", "newer_coder"] = cause


Dialect = Literal["rfc3339", "published"]


def encode_query(request: Request, dialect: Dialect = "rfc3339") -> dict[str, str]:
    """Return the parameters of a request; the published dialect has none but the two times."""
    is_published, times = dialect == "published", {}
    if request.span and is_published:
        start, end = request.span.start.timestamp(), request.span.end.timestamp()
        times = {"before": str(int(start)), "after": str(int(end))}
    elif request.span:
        times = {
            "start_time": _format_time(request.span.start),
            "end_time": _format_time(request.span.end),
        }
    return times if is_published else {**times, **request.extra}


def _format_time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
