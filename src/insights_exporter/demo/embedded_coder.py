"""The embedded Coder: a request in, a response out."""

from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Literal

from insights_exporter.demo.auth import (
    ROLES,
    Key,
    LicenseState,
    MinuteRateLimiter,
    RequestContext,
    check_token,
    find_token,
    refuse_unlicensed,
)
from insights_exporter.demo.error_responses import NO_ROUTE, WRONG_METHOD, ErrorResponse, too_many
from insights_exporter.demo.faults import Certificate, FaultState
from insights_exporter.demo.go_format import dump_json, parse_query
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.routes import Call, Pairs, Route, find_route
from insights_exporter.demo.validation import CheckResult, check, check_published
from insights_exporter.demo.versions import SERVER_VERSIONS

DEMO_TOKEN = "embedded00-coderdemocoderdemocode"  # noqa: S105 - a token of the demo only
LOGGED_REQUESTS = 100_000
ROLLUP_SECONDS = 300
CACHED_BODIES = 32
SMALL_BODY = 50_000
"""Bodies of fewer bytes are not cached: they are built as fast as they are found."""
JSON = "application/json; charset=utf-8"

Outcome = bytes | ErrorResponse
"""The body of a 200, or a refusal."""


@dataclass(frozen=True, slots=True)
class RequestLogEntry:
    """A request with the status of its response; `query` as it was sent."""

    path: str
    query: str
    status: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """A whole HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class ResponseCache:
    """Large bodies until the next rollup, by what they depend on."""

    _rollup: int = 0
    _bodies: dict[Hashable, bytes] = field(default_factory=dict)

    def get(self, key: Hashable, now: datetime) -> bytes | None:
        """Return a body that was stored since the last rollup."""
        rollup = int(now.timestamp()) // ROLLUP_SECONDS
        if rollup != self._rollup:
            self._rollup = rollup
            self._bodies.clear()
        return self._bodies.get(key)

    def put(self, key: Hashable, body: bytes) -> None:
        """Store a large body, and remove the oldest of too many."""
        if len(body) < SMALL_BODY:
            return
        while len(self._bodies) >= CACHED_BODIES:
            del self._bodies[next(iter(self._bodies))]
        self._bodies[key] = body

    def __len__(self) -> int:
        """Return the number of bodies."""
        return len(self._bodies)


def _utc_now() -> datetime:
    return datetime.now(UTC)


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
    suspended: bool = False
    license: LicenseState = "premium"
    token_expires: datetime | None = None
    """When the token expires; None extends it with every use."""
    now: Callable[[], datetime] = _utc_now
    requests: deque[RequestLogEntry] = field(default_factory=lambda: deque(maxlen=LOGGED_REQUESTS))
    """The last requests, oldest first."""
    faults: FaultState = field(default_factory=FaultState)
    cache: ResponseCache = field(default_factory=ResponseCache)
    _limiter: MinuteRateLimiter = field(default_factory=MinuteRateLimiter)

    def fail(self, fault: str, *paths: str) -> None:
        """Begin a fault of FAULTS at paths (below `/api/v2`) or everywhere; faults show over HTTP only.

        Raises:
            ValueError: The name is unknown.
        """
        self.faults.begin(fault, paths)

    def clear_faults(self) -> None:
        """End all faults."""
        self.faults.end()

    def set_certificate(self, certificate: Certificate) -> None:
        """Use another certificate wherever this server listens with TLS."""
        for listener in self.faults.listeners:
            listener.set_certificate(certificate)

    def response(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        """Return the response to a request; `query` as in the URL, header names in lower case."""
        now = self.now() + self.faults.skew(path)
        limit = self._limiter.count(path, self.rate_limit, now)
        pairs = parse_query(query)
        if limit.is_exceeded:
            outcome: Outcome = too_many(self.rate_limit, SERVER_VERSIONS[self.server_version])
        else:
            token = find_token(headers or {}, dict(pairs))
            outcome = self._respond(method, path, pairs, token, now)
        date = format_datetime(now.astimezone(UTC), usegmt=True)
        sent = {"Content-Type": JSON, "Date": date, **limit.headers}
        if isinstance(outcome, ErrorResponse):
            response = HTTPResponse(outcome.status, {**sent, **outcome.headers}, dump_json(outcome.body))
        else:
            response = HTTPResponse(200, sent, outcome)
        self.requests.append(RequestLogEntry(path, query, response.status))
        return response

    def _respond(self, method: str, path: str, pairs: Pairs, token: str, now: datetime) -> Outcome:
        found = find_route(path)
        if found is None or (self.rules == "published" and not found[0].published):
            return NO_ROUTE
        if method not in {"GET", "HEAD"}:
            return WRONG_METHOD
        route, arguments = found
        context = self._context(now, path)
        call = Call(context, path, pairs, partial(self._check_query, now), self.usage_stats)
        return _refuse(route, context, token) or self._handle(route, arguments, call)

    def _handle(self, route: Route, arguments: tuple[str, ...], call: Call) -> Outcome:
        # Everything on which a response depends is part of the key.
        server = (self.population, self.rules, self.role, self.server_version, self.usage_stats)
        key = (call.path, *call.query, *server, call.context.license)
        body = self.cache.get(key, call.context.now)
        if body is None:
            outcome = route.handler(call, *arguments)
            if isinstance(outcome, ErrorResponse):
                return outcome
            body = dump_json(outcome)
            self.cache.put(key, body)
        return body

    def _check_query(self, now: datetime, path: str, query: Pairs) -> CheckResult:
        if self.rules == "published":
            return check_published(path, query, now)
        return check(path, query, now, SERVER_VERSIONS[self.server_version])

    def _context(self, now: datetime, path: str) -> RequestContext:
        expires = self.token_expires or now.replace(microsecond=0) + timedelta(days=30)
        # The API documentation was written for this version.
        version = SERVER_VERSIONS["2024" if self.rules == "published" else self.server_version]
        key = Key(self.token, expires, self.suspended)
        license_ = "none" if self.faults.is_unlicensed(path) else self.license
        return RequestContext(self.population, version, ROLES[self.role], key, now, license_)


def _refuse(route: Route, context: RequestContext, token: str) -> ErrorResponse | None:
    if route.enterprise and context.license == "open-source":
        return NO_ROUTE
    unlicensed = refuse_unlicensed(context.license, context.server_version) if route.premium else None
    bad_token = None if route.open else check_token(token, context.key, context.now, context.server_version)
    return unlicensed or bad_token if route.license_first else bad_token or unlicensed
