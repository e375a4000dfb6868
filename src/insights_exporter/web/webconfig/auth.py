"""Users, passwords and the rate limit of the web config file."""

import asyncio
import base64
import binascii
import math
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import bcrypt
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from insights_exporter.web.response import EXCHANGE
from insights_exporter.web.webconfig.loader import RateLimit, ReloadingConfig, WebConfig


class TokenBucket:
    """Begins full, with `limit.burst` tokens; one more comes each `limit.interval` seconds."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._counted = clock()

    def take(self) -> float:
        """Take a token and give 0, or give the seconds until there is one."""
        now = self._clock()
        grown = self._tokens + (now - self._counted) / self.limit.interval
        self._tokens, self._counted = min(float(self.limit.burst), grown), now
        if self._tokens < 1:
            return (1 - self._tokens) * self.limit.interval
        self._tokens -= 1
        return 0.0


class Turns:
    """One turn at a time; clients that wait get theirs in rotation, however often each of them waits."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._taken = False

    @property
    def waiting(self) -> int:
        """Return how many turns are waited for."""
        return sum(map(len, self._queues.values()))

    def waiting_of(self, client: str) -> int:
        """Return how many turns a client waits for."""
        return len(self._queues.get(client, ()))

    async def begin(self, client: str) -> None:
        """Wait for a turn of the client; `end` must be called after it."""
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(client, turn)
            raise

    def end(self) -> None:
        """Let the next client go on."""
        while self._queues:
            client, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[client] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False

    def _leave(self, client: str, turn: asyncio.Future[None]) -> None:
        if not turn.cancelled():  # the turn came at the same moment
            self.end()
            return
        queue = self._queues.get(client, deque())
        if turn in queue:
            queue.remove(turn)
        if not queue:
            self._queues.pop(client, None)


_CACHED = 1000
_BCRYPT_READS = 72
"""Bytes of a password that bcrypt hashes; tools that make hashes cut there too."""

_DUMMY_HASH = b"$2b$10$" + b"." * 53
"""A hash of no known password, of the cost that tools use; stands for that of an unknown user."""


class TooManyLogins(Exception):
    """A password cannot be checked in time; `seconds` is after what time it may."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLimits:
    """How many logins may wait, and how long; times in seconds."""

    of_client: int = 16
    """Logins of one address."""
    waiting: int = 100
    turn_seconds: float = 5.0
    """Time until a check begins."""
    check_seconds: float = 20.0
    """Time until it ends; less than a response may take."""


@dataclass(frozen=True, slots=True)
class _Login:
    """A password to check against a stored hash, which is a dummy unless the user is known."""

    key: bytes
    stored: bytes
    password: bytes
    known: bool


class PasswordChecker:
    """Checks passwords, one at a time, and caches those that were right.

    The cache holds digests under a key of this process; a password is not
    kept, and a digest changes with the hash in the file. Wrong ones cost the
    same each time, so guessing gains nothing and pushes nothing out.
    """

    def __init__(self, limits: LoginLimits | None = None) -> None:
        self._limits = limits or LoginLimits()
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._turns = Turns()
        self._seconds = 0.0
        """What the last check took."""

    async def verify(
        self,
        users: Mapping[bytes, bytes],
        user: bytes,
        password: bytes,
        client: str = "",
        gone: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Return whether `user` is one of `users` and the password is theirs.

        Addresses of clients take turns. If the client is `gone` when its turn
        comes, nothing is checked.

        Raises:
            TooManyLogins: It cannot be checked in time, or the client is gone.
        """
        stored, given = users.get(user, _DUMMY_HASH), password[:_BCRYPT_READS]
        login = _Login(self._cache_key(user, stored, given), stored, given, known=user in users)
        if self._is_cached(login):
            return True
        await self._wait(client)
        if self._is_cached(login):
            self._turns.end()
            return True
        if gone():
            self._turns.end()
            raise self._too_many()
        return await self._check(login)

    async def _check(self, login: _Login) -> bool:
        # A thread cannot be stopped: it keeps its turn to the end, whatever becomes of the request.
        check = asyncio.create_task(self._checked(login))
        try:
            async with asyncio.timeout(self._limits.check_seconds):
                return await asyncio.shield(check)
        except TimeoutError:
            raise self._too_many() from None

    async def _wait(self, client: str) -> None:
        limits, turns = self._limits, self._turns
        if turns.waiting >= limits.waiting or turns.waiting_of(client) >= limits.of_client:
            raise self._too_many()
        try:
            async with asyncio.timeout(limits.turn_seconds):
                await turns.begin(client)
        except TimeoutError:
            raise self._too_many() from None

    async def _checked(self, login: _Login) -> bool:
        begun = time.monotonic()
        try:
            matches = await asyncio.to_thread(bcrypt.checkpw, login.password, login.stored)
            if matches and login.known:
                self._cache(login)
            return matches and login.known
        finally:
            self._seconds = time.monotonic() - begun
            self._turns.end()

    def _too_many(self) -> TooManyLogins:
        return TooManyLogins(max(1, math.ceil(self._turns.waiting * self._seconds)))

    def _cache_key(self, *parts: bytes) -> bytes:
        digest = blake2b(key=self._key, digest_size=32)
        for part in parts:
            digest.update(len(part).to_bytes(8) + part)
        return digest.digest()

    def _is_cached(self, login: _Login) -> bool:
        if login.key not in self._right:
            return False
        self._right.move_to_end(login.key)
        return True

    def _cache(self, login: _Login) -> None:
        self._right[login.key] = None
        while len(self._right) > _CACHED:
            self._right.popitem(last=False)


_ASK_FOR_LOGIN = {"www-authenticate": 'Basic realm="insights-exporter", charset="UTF-8"'}
_SCHEME = b"basic "


class BasicAuthMiddleware:
    """An application that lets through to `app` what the file allows at that moment.

    The limit comes first, then the password. The headers of the file are
    put on every answer, refusals too, in place of the application's own.
    """

    def __init__(
        self, app: ASGIApp, live: ReloadingConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._live = live
        self._clock = clock
        self._passwords = PasswordChecker()
        self._bucket: TokenBucket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            config = self._live.now()
            response = await self._refusal(config, scope) or self._app
            await response(scope, receive, _with_headers(send, self.headers()))

    async def _refusal(self, config: WebConfig, scope: Scope) -> ASGIApp | None:
        if wait := self._wait(config):
            return _too_many(wait)
        if not config.users:
            return None
        try:
            welcome = await self._welcome(config, scope)
        except TooManyLogins as error:
            return _too_many(error.seconds)
        return None if welcome else PlainTextResponse("Log in first.\n", 401, _ASK_FOR_LOGIN)

    def _wait(self, config: WebConfig) -> float:
        limit = config.rate_limit
        if limit is None:
            self._bucket = None
        elif self._bucket is None or self._bucket.limit != limit:
            self._bucket = TokenBucket(limit, self._clock)
        return self._bucket.take() if self._bucket else 0.0

    async def _welcome(self, config: WebConfig, scope: Scope) -> bool:
        login, peer = credentials(scope["headers"]), scope["extensions"][EXCHANGE].peer
        client = scope["client"][0] if scope["client"] else ""
        return login is not None and await self._passwords.verify(
            config.users, *login, client, lambda: peer.gone
        )

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of all responses."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self._live.now().headers]
        return [*headers, (b"connection", b"close")] if self._live.turning_over() else headers


def credentials(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes] | None:
    """Give user and password of a request with basic authentication."""
    sent = next((value for name, value in headers if name == b"authorization"), b"")
    if sent[: len(_SCHEME)].lower() != _SCHEME:
        return None
    try:
        user, colon, password = base64.b64decode(sent[len(_SCHEME) :], validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user, password) if colon else None


def _too_many(wait: float) -> ASGIApp:
    return PlainTextResponse("Too many requests.\n", 429, {"retry-after": str(math.ceil(wait))})


def _with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    names = {name for name, _ in headers}

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
            message = {**message, "headers": [*own, *headers]}
        await send(message)

    return send_with_headers if headers else send
