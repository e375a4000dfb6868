"""Rate limits: how many requests run at once and per minute, per deployment and process."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from insights_exporter.coder.errors import ApiError

LARGEST_BURST = 60.0
"""Requests in a row after a pause, at most: the first round of a usual deployment waits for nothing."""


@dataclass(order=True, slots=True)
class _Waiter:
    priority: int
    number: int
    path: str = field(compare=False)
    admitted: asyncio.Future[None] = field(compare=False)


class RateLimiter:
    """Lets requests through: at most `concurrency` at once, `per_minute` paced.

    A lower `priority` goes first. A path that is on hold lets nothing
    through until its time is over; others go on.
    """

    def __init__(self, per_minute: float, concurrency: int) -> None:
        self._rate = per_minute / 60
        self._free = concurrency
        self._tokens = self._burst
        self._counted_at: float | None = None
        self._queue: list[_Waiter] = []
        self._numbers = itertools.count()
        self._held: dict[str, float] = {}
        self._wakeup: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, path: str, priority: int, deadline: float) -> AsyncIterator[None]:
        """Wait for a turn until `deadline`, a time of the loop, and keep it while the body runs.

        Raises:
            RequestFailed: `rate_limited`, no turn comes in time.
        """
        loop = asyncio.get_running_loop()
        held = self.held_for(path)
        if held and loop.time() + held > deadline:
            raise ApiError("rate_limited", "the server asked to wait for longer than this poll may take")
        waiter = _Waiter(priority, next(self._numbers), path, loop.create_future())
        heapq.heappush(self._queue, waiter)
        self._admit()
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.admitted
        except TimeoutError:
            self._withdraw(waiter)
            raise ApiError("rate_limited", "no turn came in time; too much is polled") from None
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise
        try:
            yield
        finally:
            self._leave()

    @property
    def _burst(self) -> float:
        return min(max(self.per_minute, 1.0), LARGEST_BURST)

    @property
    def per_minute(self) -> float:
        """How many requests a minute are let through."""
        return self._rate * 60

    @per_minute.setter
    def per_minute(self, per_minute: float) -> None:
        self._refill()
        self._rate = per_minute / 60

    def hold(self, path: str, seconds: float) -> None:
        """Let nothing through to `path` for `seconds`."""
        until = asyncio.get_running_loop().time() + seconds
        self._held[path] = max(until, self._held.get(path, 0.0))

    def held_for(self, path: str) -> float:
        """Give the seconds for which `path` is still on hold."""
        return max(0.0, self._held.get(path, 0.0) - asyncio.get_running_loop().time())

    def _withdraw(self, waiter: _Waiter) -> None:
        """Forget who no longer waits, be it just admitted or not."""
        if waiter.admitted.done() and not waiter.admitted.cancelled():
            self._leave()
        elif waiter in self._queue:
            self._queue.remove(waiter)
            heapq.heapify(self._queue)

    def _leave(self) -> None:
        self._free += 1
        self._admit()

    def _admit(self) -> None:
        self._refill()
        waiting = []
        while self._queue and self._free > 0 and self._tokens >= 1:
            waiter = heapq.heappop(self._queue)
            if self.held_for(waiter.path) > 0:
                waiting.append(waiter)
            elif not waiter.admitted.done():
                self._free -= 1
                self._tokens -= 1
                waiter.admitted.set_result(None)
        for waiter in waiting:
            heapq.heappush(self._queue, waiter)
        self._set_alarm()

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        since = now - (now if self._counted_at is None else self._counted_at)
        self._tokens = min(self._burst, self._tokens + since * self._rate)
        self._counted_at = now

    def _set_alarm(self) -> None:
        if self._wakeup:
            self._wakeup.cancel()
            self._wakeup = None
        if self._queue and self._free > 0:
            token = max(0.0, 1 - self._tokens) / self._rate
            held = min(self.held_for(waiter.path) for waiter in self._queue)
            delay = max(token, held) + 0.001
            self._wakeup = asyncio.get_running_loop().call_later(delay, self._admit)


PER_SECOND = 125.0
"""A request costs some 3 ms of processor: with this many there is time for scrapes in between."""
AT_ONCE = 50


class GlobalRateLimiter:
    """Lets `per_second` requests pass, and up to `at_once` of them in a row after a pause.

    Polls of all deployments fall into the same minute after a roll-up of
    Coder; hundreds of deployments would have no processor left for scrapes.
    """

    def __init__(self, per_second: float = PER_SECOND, at_once: int = AT_ONCE) -> None:
        self._apart = 1 / per_second
        self._saved = at_once * self._apart
        self._next = 0.0

    async def passed(self) -> None:
        """Wait for a turn, in the order of arrival."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - self._saved) + self._apart
        if self._next > now:
            await asyncio.sleep(self._next - now)
