"""Rate limits: how many requests run at once and per minute, per deployment and process."""

import asyncio
import math
from bisect import insort
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from operator import attrgetter

from insights_exporter.coder.errors import ApiError

LARGEST_BURST = 60.0
"""Most requests in a row after a pause, so that the first round of a usual deployment does not wait."""
PER_SECOND = 125.0
"""Requests of all deployments: one costs some 3 ms of CPU time, and scrapes need some in between."""
AT_ONCE = 50


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    priority: int
    path: str
    admitted: asyncio.Future[None]


class RateLimiter:
    """Admits at most `concurrency` requests at once and `per_minute` per minute, after a burst.

    A lower `priority` goes first. A blocked path waits until its time is over; others go on.
    """

    def __init__(self, per_minute: float, concurrency: int) -> None:
        self.per_minute = per_minute
        """How many requests are admitted per minute, after the burst."""
        self._free = concurrency
        self._tokens = self._burst
        self._counted_at = -math.inf
        self._queue: list[_Waiter] = []
        self._blocked_until: dict[str, float] = {}
        self._wakeup: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def acquire(self, path: str, priority: int, deadline: float) -> AsyncIterator[None]:
        """Wait for a turn until `deadline`, a time of the loop, and keep it while the body runs.

        Raises:
            ApiError: reason `rate_limited`, no turn comes in time.
        """
        loop = asyncio.get_running_loop()
        if self.measure_block(path) > max(deadline - loop.time(), 0.0):
            raise self._create_error(path)
        waiter = _Waiter(priority, path, loop.create_future())
        insort(self._queue, waiter, key=attrgetter("priority"))  # after those of the same priority
        self._admit()
        try:
            async with asyncio.timeout_at(deadline):
                await waiter.admitted
        except TimeoutError:
            self._cancel(waiter)
            raise self._create_error(path) from None
        except asyncio.CancelledError:
            self._cancel(waiter)
            raise
        try:
            yield
        finally:
            self._release()

    def estimate_seconds(self, requests: int) -> float:
        """Return the seconds in which so many requests are admitted, beginning with a burst."""
        return max(0.0, requests - self._burst) * 60 / self.per_minute

    def block(self, path: str, seconds: float) -> None:
        """Admit no request to `path` for `seconds`."""
        until = asyncio.get_running_loop().time() + seconds
        self._blocked_until[path] = max(until, self._blocked_until.get(path, 0.0))

    def measure_block(self, path: str) -> float:
        """Return the seconds for which `path` is still blocked."""
        return max(0.0, self._blocked_until.get(path, 0.0) - asyncio.get_running_loop().time())

    @property
    def _burst(self) -> float:
        return min(max(self.per_minute, 1.0), LARGEST_BURST)

    def _create_error(self, path: str) -> ApiError:
        """Return why a request is not admitted in time."""
        self._refill()
        if self.measure_block(path):
            return ApiError("rate_limited", "the server requested a longer wait than this poll can take")
        if self._tokens < 1:
            return ApiError("rate_too_low", "the request could not start in time: too many were due")
        return ApiError("concurrency_too_low", "the request could not start in time: others took too long")

    def _cancel(self, waiter: _Waiter) -> None:
        """Remove a waiter, which may have just been admitted."""
        if waiter in self._queue:
            self._queue.remove(waiter)
        else:
            self._release()

    def _release(self) -> None:
        self._free += 1
        self._admit()

    def _admit(self) -> None:
        self._refill()
        for waiter in [*self._queue]:
            is_waiting = not waiter.admitted.done() and not self.measure_block(waiter.path)
            if is_waiting and self._free > 0 and self._tokens >= 1:
                self._queue.remove(waiter)
                self._free -= 1
                self._tokens -= 1
                waiter.admitted.set_result(None)
        self._set_wakeup()

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self.per_minute / 60)
        self._counted_at = now

    def _set_wakeup(self) -> None:
        if self._wakeup:
            self._wakeup.cancel()
            self._wakeup = None
        if self._queue and self._free > 0:
            next_token = max(0.0, 1 - self._tokens) * 60 / self.per_minute
            blocked = min(self.measure_block(waiter.path) for waiter in self._queue)
            delay = max(next_token, blocked) + 0.001
            self._wakeup = asyncio.get_running_loop().call_later(delay, self._admit)


class GlobalRateLimiter:
    """Admits `per_second` requests per second, and up to `at_once` of them in a row after a pause.

    Polls of all deployments fall into the same minute after a rollup of
    Coder; hundreds of deployments would leave no CPU time for scrapes.
    """

    def __init__(self, per_second: float = PER_SECOND, at_once: int = AT_ONCE) -> None:
        self._interval = 1 / per_second
        self._burst = at_once * self._interval
        self._next = 0.0

    async def acquire(self) -> None:
        """Wait for a turn, in the order of arrival."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - self._burst) + self._interval
        if self._next > now:
            await asyncio.sleep(self._next - now)
