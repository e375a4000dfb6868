"""Places for responses that are being sent: a client that does not read gives way to one that may."""

import asyncio
from collections.abc import Iterable
from typing import Protocol, TypeVar

SLOW = 256 * 1024
"""Bytes per second; below it a reader may have to give way."""

_TRIES, _BETWEEN_TRIES = 10, 0.1


class Reader(Protocol):
    """A client to whom a response is sent."""

    def reading_rate(self) -> float:
        """Return bytes per second read since the last write; infinite if unknown."""

    def abort(self) -> None:
        """Close the connection at once."""


R = TypeVar("R", bound=Reader)


class Places:
    """A number of responses at once."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._taken: dict[Reader, None] = {}

    async def wait(self, reader: Reader) -> bool:
        """Take a place as soon as there is one, within a second; return whether there was one.

        Whether a reader is slow shows only after a while.
        """
        for _ in range(_TRIES):
            if self.take(reader):
                return True
            await asyncio.sleep(_BETWEEN_TRIES)
        return self.take(reader)

    def take(self, reader: Reader) -> bool:
        """Take a place, if need be that of the slowest reader; return whether there was one."""
        if len(self._taken) >= self._number:
            slowest = drop_slowest(self._taken)
            if slowest is None:
                return False
            self._taken.pop(slowest, None)
        self._taken[reader] = None
        return True

    def free(self, reader: Reader) -> None:
        """Leave the place, if it was not taken away."""
        self._taken.pop(reader, None)


def drop_slowest(readers: Iterable[R]) -> R | None:
    """Close the connection of the slowest reader and return it; None if none is slow."""
    rates = {reader: reader.reading_rate() for reader in readers}
    slowest = min(rates, key=rates.__getitem__, default=None)
    if slowest is None or rates[slowest] >= SLOW:
        return None
    slowest.abort()
    return slowest
