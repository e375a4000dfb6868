"""The client of Coder's API: paced, bounded, with retries, in the server's query dialect."""

import asyncio
import contextlib
import random
import ssl
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx
import msgspec

from insights_exporter.coder import http
from insights_exporter.coder.clock import ServerClock, parse_http_date
from insights_exporter.coder.errors import ApiError, FailureReason, MissingRoute, build_error
from insights_exporter.coder.rate_limit import GlobalRateLimiter, RateLimiter
from insights_exporter.coder.redact import ErrorRedactor, list_configured_secrets
from insights_exporter.coder.request import Dialect, Request, encode_query
from insights_exporter.config.errors import ConfigError
from insights_exporter.config.models import Deployment
from insights_exporter.config.proxies import Proxies

_ATTEMPTS = 3
_FIRST_DELAY = 1.0
_LONGEST_BLOCK = 3600.0
_LONGEST_WAIT = 60.0
"""Seconds that a response may delay the next attempt, if not for a rate limit; the next poll comes anyway."""
_RATE_WINDOW = 60.0
_ERROR_BODY_BYTES = 64 * 1024
_ABOUT_PARAMETERS: frozenset[FailureReason] = frozenset({"rejected", "unsupported"})


RequestRecorder = Callable[[float, ApiError | None, float | None], None]
"""Records every single request: the seconds it took, its failure, and how many more the server allows."""


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """On whose behalf and how urgently a request is sent.

    `deadline` is a time of the running loop, after which no attempt starts;
    a lower `priority` is sent first. `missing_route` is what a 404
    `Route not found.` means; `read_before`, whether there was a response
    to the same request before.
    """

    record: RequestRecorder
    deadline: float
    priority: int = 0
    missing_route: MissingRoute = "unsupported"
    read_before: bool = False


@dataclass(frozen=True, slots=True)
class SharedTransport:
    """What the clients of all deployments share: the proxies of the environment, and one rate limit.

    `transport` replaces the network.
    """

    transport: httpx.AsyncBaseTransport | None = None
    proxies: Proxies = field(default_factory=Proxies)
    global_limit: GlobalRateLimiter = field(default_factory=GlobalRateLimiter)


class CoderClient:
    """The API of one deployment."""

    def __init__(
        self,
        deployment: Deployment,
        token: Callable[[], str],
        tls: ssl.SSLContext,
        clock: ServerClock,
        shared: SharedTransport,
    ) -> None:
        self.dialect: Dialect | None = None if deployment.dialect == "auto" else deployment.dialect
        """The query dialect, None until it is found."""
        self.rate_limiter = RateLimiter(deployment.requests_per_minute, deployment.max_concurrency)
        self._global_limit = shared.global_limit
        self._clock = clock
        self._token = token
        self._timeout = deployment.timeout
        self._max_bytes = deployment.max_response_bytes
        proxy = http.find_proxy(deployment, shared.proxies)
        self._through = f" (through the proxy {httpx.URL(proxy).netloc.decode()})" if proxy else ""
        self._http = http.create_http_client(deployment, tls, proxy, shared.transport)
        self._root = http.build_api_root(deployment)
        self._secrets = list_configured_secrets(deployment, proxy)
        self._users = deployment.users.detail
        self._discovery = asyncio.Lock()
        self._alternative_paths: set[str] = set()

    async def get(self, request: Request, options: RequestOptions) -> bytes:
        """Send a request, retry it while that may help, and return the body of the 200.

        Raises:
            ApiError: There is no usable response in time.
        """
        if request.alternative:
            return await self._get_with_alternative(request, options)
        if request.span is None or self.dialect:
            return await self._retry(request, options, self.dialect or "rfc3339")
        async with self._discovery:
            if self.dialect is None:
                body, (_, dialect) = await self._try_both(
                    (request, "rfc3339"), (request, "published"), options
                )
                is_json = body.removeprefix(BOM_UTF8).lstrip()[:1] == b"{"
                if dialect == "published" or is_json:  # a sign-in page accepts everything
                    self.dialect = dialect
                return body
        return await self._retry(request, options, self.dialect)

    async def send(self, request: Request, options: RequestOptions, dialect: Dialect = "rfc3339") -> bytes:
        """Wait for a turn, send a request once, and return the body of the 200.

        Raises:
            ApiError: Anything other than a whole 200 in time.
        """
        if dialect == "published" and request.needs_extra:
            raise ApiError("unsupported", "the published dialect has no parameters for this")
        loop = asyncio.get_running_loop()
        async with self.rate_limiter.acquire(request.path, options.priority, options.deadline):
            await self._global_limit.acquire()
            started, token, remaining, failure = loop.time(), "", None, None
            try:
                token = self._token()
                query = encode_query(request, dialect)
                async with asyncio.timeout(self._timeout), self._open(request.path, query, token) as response:
                    remaining = _read_number(response, "X-RateLimit-Remaining")
                    return await self._read(request.path, response, options, (token, *self._secrets))
            except (ApiError, ConfigError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                failure = self._convert_error(error.with_traceback(None)).redact((token, *self._secrets))
                raise failure from None
            finally:
                options.record(loop.time() - started, failure, remaining)
                del failure  # which would keep this frame, and this frame it

    def add_response_hook(self, hook: Callable[[httpx.Response], Awaitable[None]]) -> None:
        """Call `hook` with each response as it arrives, before its body is read."""
        self._http.event_hooks = {"response": [*self._http.event_hooks["response"], hook]}

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _get_with_alternative(self, request: Request, options: RequestOptions) -> bytes:
        """Send the parameters that worked last; if they are rejected, the others once."""
        dialect = self.dialect or "rfc3339"
        other = msgspec.structs.replace(request, extra=request.alternative)
        first, second = (other, request) if request.path in self._alternative_paths else (request, other)
        body, worked = await self._try_both((first, dialect), (second, dialect), options)
        if worked == (other, dialect):
            self._alternative_paths.add(request.path)
        else:
            self._alternative_paths.discard(request.path)
        return body

    async def _try_both(
        self, first: tuple[Request, Dialect], second: tuple[Request, Dialect], options: RequestOptions
    ) -> tuple[bytes, tuple[Request, Dialect]]:
        """Return the body, and what it is the response to: `second` if the server rejected `first`.

        If both are about the parameters, the first rejection is the error.
        """
        try:
            return await self._retry(first[0], options, first[1]), first
        except ApiError as rejection:
            if rejection.reason != "rejected":
                raise
            try:
                return await self._retry(second[0], options, second[1]), second
            except ApiError as failure:
                raise (rejection if failure.reason in _ABOUT_PARAMETERS else failure) from None

    async def _retry(self, request: Request, options: RequestOptions, dialect: Dialect) -> bytes:
        """Send a request, and again after a transient failure, with growing pauses."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self.send(request, options, dialect)
            except ApiError as failure:
                jitter = random.uniform(0.5, 1.5)  # noqa: S311 -- jitter keeps no secret
                pause = _FIRST_DELAY * 2.0 ** (attempt - 1) * jitter
                wait = max(pause, failure.retry_after or 0.0)
                left = options.deadline - asyncio.get_running_loop().time()
                if failure.reason != "rate_limited":
                    left = min(left, _LONGEST_WAIT)
                if not failure.transient or attempt == _ATTEMPTS or wait >= left:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError

    @contextlib.asynccontextmanager
    async def _open(self, path: str, query: Mapping[str, str], token: str) -> AsyncIterator[httpx.Response]:
        headers = {"Coder-Session-Token": token}
        request = self._http.build_request("GET", self._root + path, params=query, headers=headers)
        response = await self._http.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()
            del response.stream  # a reference cycle: scrapes would wait while the garbage collector runs

    async def _read(
        self, path: str, response: httpx.Response, options: RequestOptions, secrets: tuple[str, ...]
    ) -> bytes:
        self._clock.update(response.headers.get("Date"))
        wait = self._obey_rate_limit(path, response)
        if response.status_code == 200:
            return await http.read_body(response, self._max_bytes)
        if response.next_request is not None:
            # The path is omitted: it may name a user or hold a secret.
            target = f"{response.next_request.url.scheme}://{response.next_request.url.netloc.decode()}"
            raise ApiError("redirect", f"HTTP {response.status_code} for {path}: redirects to {target}")
        try:
            body = await http.read_body(response, _ERROR_BODY_BYTES)
        except ApiError:
            body = b""
        redactor = ErrorRedactor(self._users, secrets)
        error = build_error(
            response.status_code, path, body, redactor, options.missing_route, read_before=options.read_before
        )
        error.retry_after = wait
        raise error

    def _obey_rate_limit(self, path: str, response: httpx.Response) -> float | None:
        """Block the path if the server requires it; return the seconds that it requests to wait."""
        wait = _read_number(response, "Retry-After")
        if date := parse_http_date(response.headers.get("Retry-After")):
            wait = max((date - self._clock.now()).total_seconds(), 0.0)
        if response.status_code != 429 and _read_number(response, "X-RateLimit-Remaining") != 0:
            return wait
        if wait is None:
            reset = _read_number(response, "X-RateLimit-Reset")
            wait = _RATE_WINDOW if reset is None else max(reset - self._clock.now().timestamp(), 0.0)
        wait = min(wait, _LONGEST_BLOCK)
        self.rate_limiter.block(path, wait)
        return wait

    def _convert_error(self, error: Exception) -> ApiError:
        if isinstance(error, ApiError):
            return error
        if isinstance(error, ConfigError):
            return ApiError("token_unreadable", str(error))
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return ApiError("timeout", f"no complete response within {self._timeout:g} s", transient=True)
        failure = http.describe(error)
        return ApiError(failure.cause, failure.text + self._through, transient=failure.is_transient)


def _read_number(response: httpx.Response, header: str) -> float | None:
    text = str(response.headers.get(header, ""))
    return float(text) if text.isascii() and text.isdigit() else None
