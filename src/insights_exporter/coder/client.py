"""The client of Coder's API: one request at a time, paced, bounded, in the server's dialect."""

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx
import msgspec

from insights_exporter.coder.clock import ServerClock, parse_http_date
from insights_exporter.coder.errors import ApiError, Cause, FailureReason, error_from_response
from insights_exporter.coder.http import (
    api_root,
    chosen_proxy,
    describe,
    http_client,
    is_refused_tunnel,
    is_tls_failure,
    may_pass,
    read_body,
)
from insights_exporter.coder.rate_limit import GlobalRateLimiter, RateLimiter
from insights_exporter.coder.redact import ErrorRedactor, configured_secrets
from insights_exporter.coder.request import ENCODERS, Dialect, Request
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import Deployment
from insights_exporter.config.proxies import Proxies

_LONGEST_HOLD = 3600.0
_RATE_WINDOW = 60.0
_ERROR_BODY_BYTES = 64 * 1024


class Observer(Protocol):
    """Records every single request."""

    def request_ended(self, seconds: float, failure: ApiError | None, remaining: float | None) -> None:
        """Record one request: how long it took and how it ended."""


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """On whose behalf and how urgently a request is sent.

    `deadline` is a time of the running loop, after which no try starts;
    a lower `priority` goes first.
    """

    observer: Observer
    deadline: float
    priority: int = 0


@dataclass(frozen=True, slots=True)
class SharedTransport:
    """The way out that all deployments share: the proxies of the environment, and a pause between requests.

    `transport` takes the place of the network.
    """

    transport: httpx.AsyncBaseTransport | None = None
    proxies: Proxies = field(default_factory=Proxies)
    global_limit: GlobalRateLimiter = field(default_factory=GlobalRateLimiter)


class Exchange:
    """Sends one request at a time through the gate and reads what comes back."""

    def __init__(
        self,
        deployment: Deployment,
        token: Callable[[], str],
        tls: ssl.SSLContext,
        clock: ServerClock,
        outlet: SharedTransport,
    ) -> None:
        self.gate = RateLimiter(deployment.requests_per_minute, deployment.max_concurrency)
        self._clock = clock
        self._turnstile = outlet.global_limit
        self._token = token
        self._timeout = deployment.timeout
        self._limit = deployment.max_response_bytes
        proxy = chosen_proxy(deployment, outlet.proxies)
        self._http = http_client(deployment, tls, proxy, outlet.transport)
        self._root = api_root(deployment)
        self._secrets = configured_secrets(deployment, proxy)
        self._users = deployment.users.detail

    async def get(self, path: str, parameters: Mapping[str, str], options: RequestOptions) -> bytes:
        """Wait for a turn, ask once, and give the body of a 200.

        Raises:
            RequestFailed: anything else than a whole 200 in time.
        """
        loop = asyncio.get_running_loop()
        async with self.gate.turn(path, options.priority, options.deadline):
            await self._turnstile.passed()
            started, token, remaining, failure = loop.time(), "", None, None
            try:
                token = self._token()
                async with asyncio.timeout(self._timeout), self._sent(path, parameters, token) as reply:
                    remaining = _number(reply, "X-RateLimit-Remaining")
                    return await self._read(path, reply, (token, *self._secrets))
            except (ApiError, ConfigError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                failure = self._failure(error.with_traceback(None)).without((token, *self._secrets))
                raise failure from None
            finally:
                options.observer.request_ended(loop.time() - started, failure, remaining)
                del failure  # which would keep this frame, and this frame it

    def add_response_hook(self, hook: Callable[[httpx.Response], Awaitable[None]]) -> None:
        """Call `hook` with each response as it arrives, before its body is read."""
        self._http.event_hooks = {"response": [*self._http.event_hooks["response"], hook]}

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @contextlib.asynccontextmanager
    async def _sent(
        self, path: str, parameters: Mapping[str, str], token: str
    ) -> AsyncIterator[httpx.Response]:
        headers = {"Coder-Session-Token": token}
        request = self._http.build_request("GET", self._root + path, params=parameters, headers=headers)
        reply = await self._http.send(request, stream=True)
        try:
            yield reply
        finally:
            await reply.aclose()
            del reply.stream  # holds the reply in turn: scrapes would wait while the collector looks for such

    async def _read(self, path: str, reply: httpx.Response, secrets: tuple[str, ...]) -> bytes:
        self._clock.learn(reply.headers.get("Date"))
        wait = self._obeyed(path, reply)
        if reply.status_code != 200:
            redactor = ErrorRedactor(self._users, secrets)
            raise error_from_response(reply.status_code, path, await _error_body(reply), wait, redactor)
        return await read_body(reply.aiter_raw(), _encoding(reply), self._limit)

    def _obeyed(self, path: str, reply: httpx.Response) -> float | None:
        """Hold the path where the server says so; give the wait that a 429 asks for."""
        if reply.status_code != 429 and _number(reply, "X-RateLimit-Remaining") != 0:
            return None
        wait = min(max(self._asked_wait(reply), 0.0), _LONGEST_HOLD)
        self.gate.hold(path, wait)
        return wait

    def _asked_wait(self, reply: httpx.Response) -> float:
        seconds, reset = _number(reply, "Retry-After"), _number(reply, "X-RateLimit-Reset")
        if seconds is not None:
            return seconds
        moment = parse_http_date(reply.headers.get("Retry-After"))
        until = moment.timestamp() if moment else reset
        return _RATE_WINDOW if until is None else until - self._clock.now().timestamp()

    def _failure(self, error: Exception) -> ApiError:
        if isinstance(error, ApiError):
            return error
        if isinstance(error, ConfigError):
            return ApiError("token_unreadable", str(error))
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return ApiError("timeout", f"no whole answer within {self._timeout:g} s", transient=True)
        return ApiError(_connection_cause(error), describe(error), transient=may_pass(error))


def _connection_cause(error: Exception) -> Cause:
    if is_refused_tunnel(error):
        return "refused_by_proxy"
    return "tls_failed" if is_tls_failure(error) else "connection"


async def _error_body(reply: httpx.Response) -> bytes:
    try:
        return await read_body(reply.aiter_raw(), _encoding(reply), _ERROR_BODY_BYTES)
    except ApiError:
        return b""


def _encoding(reply: httpx.Response) -> str:
    return str(reply.headers.get("Content-Encoding", "")).strip().lower()


def _number(reply: httpx.Response, header: str) -> float | None:
    text = str(reply.headers.get(header, ""))
    return float(text) if text.isascii() and text.isdigit() else None


_ATTEMPTS = 3
_FIRST_DELAY = 1.0
_ABOUT_PARAMETERS: frozenset[FailureReason] = frozenset({"rejected", "unsupported"})


class CoderClient:
    """One deployment's API, as far as the exporter asks it."""

    def __init__(self, exchange: Exchange, dialect: Dialect | None) -> None:
        self.dialect = dialect
        """The query dialect, None until it is found out."""
        self._exchange = exchange
        self._discovery = asyncio.Lock()
        self._alternative_paths: set[str] = set()

    async def ask(self, request: Request, options: RequestOptions) -> bytes:
        """Ask until there is an answer, and give its body.

        Raises:
            RequestFailed: there is no usable answer, and trying again would
                not help or not be in time.
        """
        if request.alternative:
            return await self._ask_either(request, options)
        if request.span is None or self.dialect:
            return await self._tried(self.dialect or "rfc3339", request, options)
        async with self._discovery:
            if self.dialect is None:
                return await self._discover(request, options)
        return await self._tried(self.dialect, request, options)

    async def _ask_either(self, request: Request, options: RequestOptions) -> bytes:
        """Send the parameters that worked last; if they are rejected, the alternative once."""
        dialect = self.dialect or "rfc3339"
        other = msgspec.structs.replace(request, extra=request.alternative)
        first, second = (other, request) if request.path in self._alternative_paths else (request, other)
        try:
            return await self._tried(dialect, first, options)
        except ApiError as rejection:
            if rejection.reason != "rejected":
                raise
            try:
                body = await self._tried(dialect, second, options)
            except ApiError as failure:
                raise _failure_to_report(rejection, failure) from None
        if second is other:
            self._alternative_paths.add(request.path)
        else:
            self._alternative_paths.discard(request.path)
        return body

    async def _discover(self, request: Request, options: RequestOptions) -> bytes:
        """Ask in the real server's dialect, then in the published page's; remember what worked."""
        try:
            body = await self._tried("rfc3339", request, options)
        except ApiError as first:
            if first.reason != "rejected":
                raise
            try:
                body = await self._tried("published", request, options)
            except ApiError as second:
                raise _failure_to_report(first, second) from None
            self.dialect = "published"
        else:
            self.dialect = "rfc3339" if body.lstrip()[:1] == b"{" else None
        return body

    async def _tried(self, dialect: Dialect, request: Request, options: RequestOptions) -> bytes:
        """Ask, and after a failure that may pass ask again, with growing pauses."""
        if dialect == "published" and request.needs_extra:
            raise ApiError("unsupported", "the published dialect has no parameters for this")
        parameters = ENCODERS[dialect](request)
        for pause in _pauses():
            try:
                return await self._exchange.get(request.path, parameters, options)
            except ApiError as failure:
                wait = pause if failure.retry_after is None else failure.retry_after
                if not failure.transient or not _left(options) > wait or pause == 0:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError


def _failure_to_report(rejection: ApiError, second: ApiError) -> ApiError:
    """Return the failure to report after a rejection: the second, unless it is about the parameters too."""
    return rejection if second.reason in _ABOUT_PARAMETERS else second


def _pauses() -> list[float]:
    """Give the pause after each try, 0 after the last."""
    growing = [
        _FIRST_DELAY * 2.0**attempt * random.uniform(0.5, 1.5)  # noqa: S311 -- jitter keeps no secret
        for attempt in range(_ATTEMPTS - 1)
    ]
    return [*growing, 0.0]


def _left(options: RequestOptions) -> float:
    return options.deadline - asyncio.get_running_loop().time()
