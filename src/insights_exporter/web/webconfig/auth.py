"""Basic authentication and the rate limit of the web config file."""

import asyncio
import base64
import binascii
import math
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

import bcrypt
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from insights_exporter.web.limits import find_network
from insights_exporter.web.response import EXCHANGE
from insights_exporter.web.webconfig.loader import ReloadingConfig, WebConfig
from insights_exporter.web.webconfig.model import RateLimitSection

_CHALLENGE = {"www-authenticate": 'Basic realm="insights-exporter", charset="UTF-8"'}
_MAX_CACHED = 1000
_BCRYPT_BYTES = 72
"""Bytes of a password that bcrypt hashes; tools that make hashes cut there too."""
_DUMMY_HASH = b"$2b$10$" + b"." * 53
"""A hash of no password, of the usual cost, for unknown users."""


class TokenBucket:
    """A bucket of `limit.burst` tokens, full at first; one more comes every `limit.interval` seconds.

    An interval of 0 means no limit.
    """

    def __init__(self, limit: RateLimitSection, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._counted = clock()

    def take(self) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        if not self.limit.interval:
            return 0.0
        now = self._clock()
        tokens = self._tokens + (now - self._counted) / self.limit.interval
        self._tokens, self._counted = min(float(self.limit.burst), tokens), now
        if self._tokens < 1:
            return (1 - self._tokens) * self.limit.interval
        self._tokens -= 1
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLimits:
    """How many logins may wait, and for how many seconds."""

    waiting_per_client: int = 16
    """Waiting logins per client: an IPv4 address, or an IPv6 network."""
    waiting: int = 100
    wait_seconds: float = 5.0
    """Time until a check begins."""
    check_seconds: float = 20.0
    """Time until it ends; less than a response may take."""


class FairLock:
    """A lock that waiting clients get in rotation, however often each of them waits."""

    def __init__(self, limits: LoginLimits) -> None:
        self._limits = limits
        self._turns: dict[asyncio.Future[bool], str] = {}
        """The clients of the waiters, in the order in which they get the lock."""
        self._locked = False

    @property
    def waiting(self) -> int:
        """Return the number of waiters."""
        return len(self._turns)

    async def acquire(self, client: str) -> bool:
        """Acquire the lock for a client; return False if too many wait, maybe after another has come."""
        if not self._locked:
            self._locked = True
            return True
        if not self._find_place(client):
            return False
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._turns[turn] = client
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result():  # the turn came at the same moment
                self.release()
            raise
        finally:
            self._turns.pop(turn, None)

    def _find_place(self, client: str) -> bool:
        """Return whether a client may wait, if need be in the place of one that waits more often."""
        counts = Counter(self._turns.values())
        if counts[client] >= self._limits.waiting_per_client:
            return False
        if self.waiting < self._limits.waiting:
            return True
        most = max(counts, key=counts.__getitem__)
        if counts[most] <= counts[client] + 1:
            return False
        last = next(turn for turn, name in reversed(self._turns.items()) if name == most)
        del self._turns[last]
        if not last.done():
            last.set_result(False)
        return True

    def release(self) -> None:
        """Pass the lock to the next client, whose other waiters go to the end."""
        turn = next((turn for turn in self._turns if not turn.done()), None)
        if turn is None:
            self._locked = False
            return
        client = self._turns.pop(turn)
        for other in [turn for turn, name in self._turns.items() if name == client]:
            self._turns[other] = self._turns.pop(other)
        turn.set_result(True)


class TooManyLogins(Exception):
    """A password cannot be checked in time; retry after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class PasswordChecker:
    """Checks passwords, one at a time, and caches successful logins.

    The cache holds keyed digests of user, hash and password, with a key of this
    process; passwords are not stored. Wrong passwords always cost a check.
    """

    def __init__(self, limits: LoginLimits | None = None) -> None:
        self._limits = limits or LoginLimits()
        self._key = secrets.token_bytes(32)
        self._cache: OrderedDict[bytes, None] = OrderedDict()
        self._lock = FairLock(self._limits)
        self._check_seconds = 0.0
        """Duration of the last check."""

    async def verify(
        self,
        users: Mapping[bytes, bytes],
        user: bytes,
        password: bytes,
        client: str = "",
        is_disconnected: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Return whether `user` is one of `users`, a map of names to hashes, with this password.

        Clients take turns. If the client is disconnected when its turn comes, nothing is checked.

        Raises:
            TooManyLogins: It cannot be checked in time, or the client is disconnected.
        """
        hash_, cut = users.get(user, _DUMMY_HASH), password[:_BCRYPT_BYTES]
        key = self._compute_cache_key(user, hash_, cut)
        if self._is_cached(key):
            return True
        await self._acquire(client)
        if self._is_cached(key):
            self._lock.release()
            return True
        if is_disconnected():
            self._lock.release()
            raise self._describe_too_many_logins()
        # A thread cannot be stopped: it keeps the lock to its end, whatever becomes of the request.
        check = asyncio.create_task(self._check(key, cut, hash_, is_known=user in users))
        try:
            async with asyncio.timeout(self._limits.check_seconds):
                return await asyncio.shield(check)
        except TimeoutError:
            raise self._describe_too_many_logins() from None

    async def _acquire(self, client: str) -> None:
        is_acquired = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.wait_seconds):
                is_acquired = await self._lock.acquire(client)
        if not is_acquired:
            raise self._describe_too_many_logins()

    async def _check(self, key: bytes, password: bytes, hash_: bytes, *, is_known: bool) -> bool:
        start = time.monotonic()
        try:
            if not (await asyncio.to_thread(bcrypt.checkpw, password, hash_) and is_known):
                return False
            self._cache[key] = None
            while len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
            return True
        finally:
            self._check_seconds = time.monotonic() - start
            self._lock.release()

    def _describe_too_many_logins(self) -> TooManyLogins:
        return TooManyLogins(max(1, math.ceil(self._lock.waiting * self._check_seconds)))

    def _compute_cache_key(self, *parts: bytes) -> bytes:
        digest = blake2b(key=self._key, digest_size=32)
        for part in parts:
            digest.update(len(part).to_bytes(8) + part)
        return digest.digest()

    def _is_cached(self, key: bytes) -> bool:
        if key not in self._cache:
            return False
        self._cache.move_to_end(key)
        return True


class BasicAuthMiddleware:
    """Passes the requests on that the current web config allows: first the rate limit, then the login."""

    def __init__(
        self, app: ASGIApp, config: ReloadingConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._config = config
        self._clock = clock
        self._passwords = PasswordChecker()
        self._bucket = TokenBucket(config.get_current().rate_limit, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        response = await self._refuse(self._config.get_current(), scope) or self._app
        await response(scope, receive, send)

    def build_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of all responses, refusals of the server too."""
        configured = self._config.get_current().headers
        headers = [(name.lower().encode(), value.encode()) for name, value in configured]
        return [*headers, (b"connection", b"close")] if self._config.is_draining else headers

    async def _refuse(self, config: WebConfig, scope: Scope) -> ASGIApp | None:
        """Return the response to a request that is not allowed."""
        if self._bucket.limit != config.rate_limit:
            self._bucket = TokenBucket(config.rate_limit, self._clock)
        if wait := self._bucket.take():
            return _refuse_for_now(wait)
        if not config.users:
            return None
        login, peer = parse_credentials(scope["headers"]), scope["extensions"][EXCHANGE].peer
        network = find_network(scope["client"])
        try:
            if login and await self._passwords.verify(
                config.users, *login, network, lambda: peer.is_disconnected
            ):
                return None
        except TooManyLogins as error:
            return _refuse_for_now(error.seconds)
        return PlainTextResponse("Authentication required.\n", 401, _CHALLENGE)


def parse_credentials(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes] | None:
    """Return user and password of a request with basic authentication."""
    value = next((value for name, value in headers if name == b"authorization"), b"")
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user, password) if colon else None


def _refuse_for_now(wait: float) -> ASGIApp:
    return PlainTextResponse("Too many requests.\n", 429, {"retry-after": str(math.ceil(wait))})
