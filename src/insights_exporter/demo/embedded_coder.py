"""The embedded Coder: a request in, a response out."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal
from urllib.parse import parse_qsl

from starlette.responses import Response

from insights_exporter.demo.context import PUBLISHED_VERSION, ROLES, SERVER_VERSIONS, RequestContext
from insights_exporter.demo.error_responses import WRONG_METHOD, Refused, refuse_rate
from insights_exporter.demo.faults import FAULTS, HEALTHY, Fault
from insights_exporter.demo.go_format import dump_json
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.routes import find_route
from insights_exporter.demo.validation import API

DEMO_TOKEN = "embedded00-coderdemocoderdemocode"  # noqa: S105 - a token of the demo only
LOGGED_REQUESTS = 100_000
RATE_LIMIT_SECONDS = 60
EVERYWHERE = ""
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class RequestLogEntry:
    """A request with the status of its response; `query` as it was sent."""

    path: str
    query: str
    status: int


@dataclass(slots=True)
class MinuteRateLimiter:
    """Counts requests in windows of a whole minute."""

    _window: int = 0
    _counts: dict[str, int] = field(default_factory=dict)

    def count(self, path: str, limit: int, now: datetime) -> tuple[bool, Mapping[str, str]]:
        """Count one request; return whether it exceeds the limit, and the headers."""
        if limit < 0:
            return False, {}
        window = int(now.timestamp()) // RATE_LIMIT_SECONDS
        if window != self._window:
            self._window = window
            self._counts.clear()
        used = self._counts[path] = self._counts.get(path, 0) + 1
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(limit - used, 0)),
            "X-RateLimit-Reset": str((window + 1) * RATE_LIMIT_SECONDS),
        }
        return used > limit, headers


@dataclass(slots=True, kw_only=True)
class EmbeddedCoder:
    """A Coder server with sample data; every attribute may be changed while it runs.

    `role` is one of ROLES, `server_version` one of SERVER_VERSIONS. A negative
    `rate_limit` means no limit. `now` is the server's clock, for `Date` and all rules.
    """

    population: Population = field(default_factory=Population)
    rules: Literal["real", "published"] = "real"
    token: str = DEMO_TOKEN
    role: str = "auditor"
    server_version: str = "2026-bounded"
    rate_limit: int = 512
    usage_stats: bool = True
    token_expires: datetime | None = None
    """When the token expires; None extends it with every use."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    requests: deque[RequestLogEntry] = field(default_factory=lambda: deque(maxlen=LOGGED_REQUESTS))
    """The last requests, oldest first."""
    listeners: list[Callable[[bool], None]] = field(default_factory=list)
    """Called with whether to listen, each for a running server of it."""
    _faults: dict[str, Fault] = field(default_factory=dict)
    _limiter: MinuteRateLimiter = field(default_factory=MinuteRateLimiter)

    def fail(self, fault: str, *paths: str) -> None:
        """Begin a fault of FAULTS at paths (below `/api/v2`) or everywhere."""
        self._faults.update(dict.fromkeys(paths or (EVERYWHERE,), FAULTS[fault]))
        self._update_listeners()

    def clear_faults(self) -> None:
        """End all faults."""
        self._faults.clear()
        self._update_listeners()

    def _update_listeners(self) -> None:
        for set_listening in self.listeners:
            set_listening(not self.is_closed)

    @property
    def is_closed(self) -> bool:
        """Whether all connections are refused."""
        return self._faults.get(EVERYWHERE, HEALTHY).closed

    def respond(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None
    ) -> Response:
        """Return the response to a request; `query` as in the URL, header names in lower case.

        The response of a fault may do more than send a body, such as reset the connection.
        """
        # The fault of a path takes precedence over one of all paths.
        fault = self._faults.get(path.removeprefix(API)) or self._faults.get(EVERYWHERE, HEALTHY)
        context = self._build_context(fault, path, query, headers or {})
        date = format_datetime(context.now.astimezone(UTC), usegmt=True)
        is_exceeded, limit_headers = self._limiter.count(path, self.rate_limit, context.now)
        sent = {"Content-Type": JSON, "Date": date, **limit_headers}
        try:
            response = Response(self._build_body(method, context, is_exceeded=is_exceeded), 200, sent)
        except Refused as refused:
            error = refused.response
            response = Response(dump_json(error.body), error.status, {**sent, **error.headers})
        response = fault.effect(response)
        self.requests.append(RequestLogEntry(path, query, response.status_code))
        return response

    def _build_context(
        self, fault: Fault, path: str, query: str, headers: Mapping[str, str]
    ) -> RequestContext:
        now = self.now() + fault.skew
        version = PUBLISHED_VERSION if self.rules == "published" else SERVER_VERSIONS[self.server_version]
        return RequestContext(
            path=path,
            query=parse_qsl(query, keep_blank_values=True),
            sent_token=headers.get("coder-session-token", ""),
            token=self.token,
            token_expires=self.token_expires or now.replace(microsecond=0) + timedelta(days=30),
            now=now,
            population=self.population,
            server_version=version,
            role=ROLES[self.role],
            license=fault.license,
            unlicensed=fault.unlicensed,
            usage_stats=self.usage_stats,
        )

    def _build_body(self, method: str, context: RequestContext, *, is_exceeded: bool) -> bytes:
        if is_exceeded:
            raise Refused(refuse_rate(self.rate_limit))
        route, arguments = find_route(context.path, context.server_version)
        if method not in {"GET", "HEAD"}:
            raise Refused(WRONG_METHOD)
        for check in route.checks:
            check(context)
        return dump_json(route.handler(context, *arguments))
