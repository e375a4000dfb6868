"""Whether a user gave the right password, without telling by time who exists."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b

import bcrypt

_REMEMBERED = 1000
_WAITING = 100
_BCRYPT_READS = 72
"""Bytes of a password that bcrypt hashes; tools that make hashes cut there too."""

_DECOY = "$2b$%02d$" + "." * 53
"""A hash of no known password, with the cost to be put in."""


class TooManyLogins(Exception):
    """More passwords wait to be checked than are kept waiting."""


class Passwords:
    """Checks passwords, one at a time, and remembers those that were right.

    What is remembered is a digest under a key of this process; a password
    is not kept, and changes with the hash in the file. Wrong ones cost the
    same each time, so guessing gains nothing and pushes nothing out.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._one_at_a_time = asyncio.Semaphore(1)
        self._waiting = 0

    async def accept(self, users: Mapping[bytes, bytes], user: bytes, password: bytes) -> bool:
        """Tell whether `user` is one of `users` and the password is theirs.

        Raises:
            TooManyLogins: too many wait already.
        """
        known = users.get(user)
        stored, given = known or self._decoy(users, user), password[:_BCRYPT_READS]
        ticket = self._digest(user, stored, given)
        right = self._remembers(ticket) or await self._check(ticket, stored, given)
        if right and known is not None:
            self._remember(ticket)
        return right and known is not None

    async def _check(self, ticket: bytes, stored: bytes, given: bytes) -> bool:
        if self._waiting >= _WAITING:
            raise TooManyLogins
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                return self._remembers(ticket) or await asyncio.to_thread(bcrypt.checkpw, given, stored)
        finally:
            self._waiting -= 1

    def _decoy(self, users: Mapping[bytes, bytes], user: bytes) -> bytes:
        """Give a hash for an unknown user, that costs what one of the known users' does.

        Which one depends on the name alone, so that asking twice tells
        nothing either.
        """
        costs = sorted(int(stored.split(b"$")[2]) for stored in users.values())
        return (_DECOY % costs[int.from_bytes(self._digest(user)[:8]) % len(costs)]).encode()

    def _digest(self, *parts: bytes) -> bytes:
        digest = blake2b(key=self._key, digest_size=32)
        for part in parts:
            digest.update(len(part).to_bytes(8) + part)
        return digest.digest()

    def _remembers(self, ticket: bytes) -> bool:
        if ticket not in self._right:
            return False
        self._right.move_to_end(ticket)
        return True

    def _remember(self, ticket: bytes) -> None:
        self._right[ticket] = None
        while len(self._right) > _REMEMBERED:
            self._right.popitem(last=False)
