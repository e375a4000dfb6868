"""Requests to an embedded Coder in the same process."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import urlencode

from starlette.responses import Response

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population

TEMPLATES = "/insights/templates"
Json: TypeAlias = Any
NOW = datetime(2026, 5, 20, 14, 31, tzinfo=UTC)
SMALL = Population(seed=7, users=60, templates=8)
WEEK = {"start_time": "2026-05-14T00:00:00Z", "end_time": "2026-05-20T15:00:00Z"}
coder = partial(EmbeddedCoder, population=SMALL, now=lambda: NOW)
"""Makes a server whose clock stands still."""
FOUR = ("daus", "templates", "user-activity", "user-latency")


def send_request(
    server: EmbeddedCoder, path: str, query: Mapping[str, str] | None = None, token: str = DEMO_TOKEN
) -> Response:
    """Request a path below `/api/v2` with a token."""
    headers = {"coder-session-token": token} if token else {}
    return server.respond("GET", f"/api/v2{path}", urlencode(query or {}), headers)


def load_document(server: EmbeddedCoder, path: str, query: Mapping[str, str] | None = None) -> Json:
    """Return the body of a 200."""
    response = send_request(server, path, query)
    assert response.status_code == 200, response.body
    return json.loads(bytes(response.body))


def fetch_report(server: EmbeddedCoder, endpoint: str, query: Mapping[str, str] = WEEK) -> Json:
    """Return the report of an insights endpoint."""
    return load_document(server, f"/insights/{endpoint}", query)["report"]


def build_query(endpoint: str) -> Mapping[str, str]:
    """Return a query that the endpoint accepts."""
    return {} if endpoint in {"daus", "user-status-counts"} else WEEK


def utc_days(days: int, now: datetime = NOW) -> dict[str, str]:
    """Return the window of so many UTC days, today included, up to the next full hour."""
    end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    return {"start_time": start.isoformat(), "end_time": end.isoformat()}


def seconds(server: EmbeddedCoder, query: Mapping[str, str]) -> int:
    """Return the seconds of all users."""
    return sum(user["seconds"] for user in fetch_report(server, "user-activity", query)["users"])


MONTH = utc_days(30)
