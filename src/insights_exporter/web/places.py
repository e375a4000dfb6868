"""Places for responses that are being sent: a client that does not read gives way to one that may."""

import asyncio
import socket
import struct
import sys
from collections.abc import Iterable
from typing import Protocol, TypeVar

SLOW = 256 * 1024
"""Bytes per second; below it a reader may have to give way."""

_RATE_AFTER = (0.01, 0.5)
"""Seconds after which it shows whether a client reads, at least and at most."""
_ROUND_TRIPS = 5
"""So long a client that reads may take until its rate shows: TCP starts slowly."""
_TCP_INFO = struct.Struct("68xI")
"""What Linux knows about a connection: the round trip, in microseconds."""
_TRIES, _BETWEEN_TRIES = 10, 0.1


class Reader(Protocol):
    """A client to whom a response is sent."""

    def reading_rate(self) -> float:
        """Return bytes per second read since the last write; infinite if unknown."""

    def abort(self) -> None:
        """Close the connection at once."""


R = TypeVar("R", bound=Reader)


class Places:
    """A number of responses at once; those that wait for a place get one in the order in which they came."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._taken: dict[Reader, None] = {}
        self._waiting: dict[Reader, asyncio.Future[None]] = {}

    async def wait(self, reader: Reader) -> bool:
        """Take a place as soon as there is one, within a second; return whether there was one.

        Whether a reader is slow shows only after a while.
        """
        if not self._waiting and self.take(reader):
            return True
        turn = self._waiting[reader] = asyncio.get_running_loop().create_future()
        try:
            for _ in range(_TRIES):
                await asyncio.wait([turn], timeout=_BETWEEN_TRIES)
                if turn.done() or self._make_room_for(reader):
                    return True
        except asyncio.CancelledError:
            self.free(reader)
            raise
        finally:
            self._waiting.pop(reader, None)
        return False

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
        """Leave the place, if it was not taken away, to the one that waits longest."""
        self._taken.pop(reader, None)
        if self._waiting:
            self._hand_on()

    def _make_room_for(self, reader: Reader) -> bool:
        """Pass the place of the slowest reader on; return whether `reader` has one now."""
        slowest = drop_slowest(self._taken)
        if slowest is not None:
            self.free(slowest)
        return reader in self._taken

    def _hand_on(self) -> None:
        while self._waiting and len(self._taken) < self._number:
            reader, turn = next(iter(self._waiting.items()))
            del self._waiting[reader]
            self._taken[reader] = None
            turn.set_result(None)


def drop_slowest(readers: Iterable[R]) -> R | None:
    """Close the connection of the slowest reader and return it; None if none is slow."""
    rates = {reader: reader.reading_rate() for reader in readers}
    slowest = min(rates, key=rates.__getitem__, default=None)
    if slowest is None or rates[slowest] >= SLOW:
        return None
    slowest.abort()
    return slowest


def rate_after(transport: asyncio.Transport) -> float:
    """Return after what time the rate at which a client reads is known: it depends on the distance."""
    least, most = _RATE_AFTER
    if sys.platform != "linux":
        return most
    try:
        info = transport.get_extra_info("socket").getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size
        )
    except OSError:  # no TCP, or just closed
        return most
    (microseconds,) = _TCP_INFO.unpack(info)
    return min(max(_ROUND_TRIPS * int(microseconds) / 1e6, least), most)
