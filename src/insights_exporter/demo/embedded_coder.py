"""The embedded Coder: a request in, a response out."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Literal

from insights_exporter.demo.auth import (
    ROLES,
    Key,
    LicenseState,
    RateLimiter,
    check_token,
    find_token,
    refuse_unlicensed,
)
from insights_exporter.demo.error_responses import NO_ROUTE, WRONG_METHOD, ErrorResponse, too_many
from insights_exporter.demo.faults import Certificate, FaultState
from insights_exporter.demo.go_format import dump_json, parse_query
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.response_cache import ResponseCache, View
from insights_exporter.demo.routes import Call, Pairs, Route, find_route
from insights_exporter.demo.validation import Verdict, check, check_published
from insights_exporter.demo.versions import SERVER_VERSIONS

DEMO_TOKEN = "embedded00-coderdemocoderdemocode"  # noqa: S105 - it opens nothing but the demo
KEPT_REQUESTS = 100_000
Outcome = bytes | ErrorResponse
"""The body of a 200, or what is refused."""
JSON = "application/json; charset=utf-8"


def utc_now() -> datetime:
    """Give the time of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RequestLogEntry:
    """A request that was answered; `query` as it was sent."""

    path: str
    query: str
    status: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class EmbeddedCoder:
    """A Coder server over a made-up population; every setting may be changed while it runs.

    `role` is one of ROLES, `generation` one of GENERATIONS. A negative
    `rate_limit` is none. `now` is the server's clock, of which `Date` and
    every rule speak.
    """

    population: Population = field(default_factory=Population)
    rules: Literal["real", "published"] = "real"
    token: str = DEMO_TOKEN
    role: str = "auditor"
    generation: str = "2026-bounded"
    rate_limit: int = 512
    usage_stats: bool = True
    suspended: bool = False
    license: LicenseState = "premium"
    token_expires: datetime | None = None
    """When the token expires; None prolongs it with every use."""
    now: Callable[[], datetime] = utc_now
    requests: deque[RequestLogEntry] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    """What was asked, oldest first."""
    failing: FaultState = field(default_factory=FaultState)
    _limiter: RateLimiter = field(default_factory=RateLimiter)
    kept: ResponseCache = field(default_factory=ResponseCache)

    def fail(self, fault: str, *paths: str) -> None:
        """Have a fault of FAULTS from now on, at paths (below `/api/v2`) or everywhere.

        Raises ValueError for an unknown name. Faults show over HTTP only.
        """
        self.failing.begin(fault, paths)

    def mend(self) -> None:
        """Have no fault any more."""
        self.failing.end()

    def present(self, certificate: Certificate) -> None:
        """Show another certificate wherever this server listens with TLS."""
        for door in self.failing.doors:
            door.present(certificate)

    def response(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Answer a request; `query` as it stands in the URL, header names in lower case."""
        now = self.now() + self.failing.skew(path)
        standing = self._limiter.count(path, self.rate_limit, now)
        pairs = parse_query(query)
        if standing.exceeded:
            outcome: Outcome = too_many(self.rate_limit, SERVER_VERSIONS[self.generation])
        else:
            token = find_token(headers or {}, dict(pairs))
            outcome = self._outcome(method, path, pairs, token, now)
        made = self._write(outcome, now, standing.headers)
        self.requests.append(RequestLogEntry(path, query, made.status))
        return made

    def _outcome(self, method: str, path: str, pairs: Pairs, token: str, now: datetime) -> Outcome:
        found = find_route(path)
        if found is None or (self.rules == "published" and not found[0].published):
            return NO_ROUTE
        if method not in {"GET", "HEAD"}:
            return WRONG_METHOD
        route, words = found
        view = self._view(now, path)
        refused = _refuse(route, view, token)
        call = Call(view, path, pairs, partial(self._judge, now), self.usage_stats)
        return refused or self._handle(route, words, call)

    def _handle(self, route: Route, words: tuple[str, ...], call: Call) -> Outcome:
        # Every setting that an answer depends on is part of the key.
        state = (self.population, self.rules, self.role, self.generation, self.usage_stats, call.view.license)
        key = (call.path, *call.query, *state)
        body = self.kept.find(key, call.view.now)
        if body is not None:
            return body
        outcome = route.handler(call, *words)
        if isinstance(outcome, ErrorResponse):
            return outcome
        body = dump_json(outcome)
        self.kept.keep(key, body)
        return body

    def _judge(self, now: datetime, path: str, query: Pairs) -> Verdict:
        if self.rules == "published":
            return check_published(path, query, now)
        return check(path, query, now, SERVER_VERSIONS[self.generation])

    def _view(self, now: datetime, path: str) -> View:
        expires = self.token_expires or now.replace(microsecond=0) + timedelta(days=30)
        # The page was written in the days of this generation.
        generation = SERVER_VERSIONS["2024" if self.rules == "published" else self.generation]
        key = Key(self.token, expires, self.suspended)
        license_ = "none" if self.failing.is_unlicensed(path) else self.license
        return View(self.population, generation, ROLES[self.role], key, now, license_)

    def _write(self, outcome: Outcome, now: datetime, standing: Mapping[str, str]) -> Answer:
        date = format_datetime(now.astimezone(UTC), usegmt=True)
        headers = {"Content-Type": JSON, "Date": date, **standing}
        if isinstance(outcome, ErrorResponse):
            return Answer(outcome.status, {**headers, **outcome.headers}, dump_json(outcome.body))
        return Answer(200, headers, outcome)


def _refuse(route: Route, view: View, token: str) -> ErrorResponse | None:
    if route.enterprise and view.license == "open-source":
        return NO_ROUTE
    unlicensed = refuse_unlicensed(view.license, view.generation) if route.premium else None
    bad_token = None if route.open else check_token(token, view.key, view.now, view.generation)
    return unlicensed or bad_token if route.license_first else bad_token or unlicensed
