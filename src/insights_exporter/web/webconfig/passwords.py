"""Whether a user gave the right password, without showing by time who exists."""

import asyncio
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

import bcrypt

from insights_exporter.web.webconfig.turns import Turns

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
