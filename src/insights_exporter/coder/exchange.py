"""One request to Coder and its answer: paced, bounded, and reported."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from insights_exporter.coder.body import read_body
from insights_exporter.coder.clock import ServerClock, parse_http_date
from insights_exporter.coder.discretion import Discretion
from insights_exporter.coder.failures import Cause, RequestFailed, refusal
from insights_exporter.coder.masking import secrets_of
from insights_exporter.coder.pacing import Gate
from insights_exporter.coder.transport import (
    api_root,
    chosen_proxy,
    describe,
    http_client,
    is_refused_tunnel,
    is_tls_failure,
    may_pass,
)
from insights_exporter.coder.turnstile import Turnstile
from insights_exporter.config.problems import ConfigError
from insights_exporter.config.proxies import Proxies
from insights_exporter.config.settings import Deployment

_LONGEST_HOLD = 3600.0
_RATE_WINDOW = 60.0
_ERROR_BODY_BYTES = 64 * 1024


class Observer(Protocol):
    """Records every single request."""

    def request_ended(self, seconds: float, failure: RequestFailed | None, remaining: float | None) -> None:
        """Record one request: how long it took and how it ended."""


@dataclass(frozen=True, slots=True)
class Errand:
    """On whose behalf and how urgently a request is sent.

    `deadline` is a time of the running loop, after which no try starts;
    a lower `priority` goes first.
    """

    observer: Observer
    deadline: float
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Outlet:
    """The way out that all deployments share: the proxies of the environment, and a pause between requests.

    `transport` takes the place of the network.
    """

    transport: httpx.AsyncBaseTransport | None = None
    proxies: Proxies = field(default_factory=Proxies)
    turnstile: Turnstile = field(default_factory=Turnstile)


class Exchange:
    """Sends one request at a time through the gate and reads what comes back."""

    def __init__(
        self,
        deployment: Deployment,
        token: Callable[[], str],
        tls: ssl.SSLContext,
        clock: ServerClock,
        outlet: Outlet,
    ) -> None:
        self.gate = Gate(deployment.requests_per_minute, deployment.max_concurrency)
        self._clock = clock
        self._turnstile = outlet.turnstile
        self._token = token
        self._timeout = deployment.timeout
        self._limit = deployment.max_response_bytes
        proxy = chosen_proxy(deployment, outlet.proxies)
        self._http = http_client(deployment, tls, proxy, outlet.transport)
        self._root = api_root(deployment)
        self._secrets = secrets_of(deployment, proxy)
        self._users = deployment.users.detail

    async def get(self, path: str, parameters: Mapping[str, str], errand: Errand) -> bytes:
        """Wait for a turn, ask once, and give the body of a 200.

        Raises:
            RequestFailed: anything else than a whole 200 in time.
        """
        loop = asyncio.get_running_loop()
        async with self.gate.turn(path, errand.priority, errand.deadline):
            await self._turnstile.passed()
            started, token, remaining, failure = loop.time(), "", None, None
            try:
                token = self._token()
                async with asyncio.timeout(self._timeout), self._sent(path, parameters, token) as reply:
                    remaining = _number(reply, "X-RateLimit-Remaining")
                    return await self._read(path, reply, (token, *self._secrets))
            except (RequestFailed, ConfigError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                failure = self._failure(error.with_traceback(None)).without((token, *self._secrets))
                raise failure from None
            finally:
                errand.observer.request_ended(loop.time() - started, failure, remaining)
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
            discretion = Discretion(self._users, secrets)
            raise refusal(reply.status_code, path, await _error_body(reply), wait, discretion)
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

    def _failure(self, error: Exception) -> RequestFailed:
        if isinstance(error, RequestFailed):
            return error
        if isinstance(error, ConfigError):
            return RequestFailed("token_unreadable", str(error))
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return RequestFailed("timeout", f"no whole answer within {self._timeout:g} s", transient=True)
        return RequestFailed(_connection_cause(error), describe(error), transient=may_pass(error))


def _connection_cause(error: Exception) -> Cause:
    if is_refused_tunnel(error):
        return "refused_by_proxy"
    return "tls_failed" if is_tls_failure(error) else "connection"


async def _error_body(reply: httpx.Response) -> bytes:
    try:
        return await read_body(reply.aiter_raw(), _encoding(reply), _ERROR_BODY_BYTES)
    except RequestFailed:
        return b""


def _encoding(reply: httpx.Response) -> str:
    return str(reply.headers.get("Content-Encoding", "")).strip().lower()


def _number(reply: httpx.Response, header: str) -> float | None:
    text = str(reply.headers.get(header, ""))
    return float(text) if text.isascii() and text.isdigit() else None
