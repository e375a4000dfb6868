"""Limits on what requests cause: work off the event loop, and log lines."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

WAITING_PAGES = 16
"""Maximum number of waiting requests for the status page, and for `/config`."""

MAX_KINDS = 100
"""Maximum number of kinds of log lines, and so of lines within the interval."""

T = TypeVar("T")


class LogThrottle:
    """Decides which lines are logged: one per kind and interval."""

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._logged: dict[str, float] = {}
        """The times of the last lines by kind, in the order of these times."""
        self._suppressed: Counter[str | None] = Counter()
        """Suppressed lines by kind; None stands for kinds that are not stored."""

    def admit(self, kind: str) -> int | None:
        """Return how many lines were suppressed since the last one of a kind, None to suppress this one too.

        Suppressed lines of kinds that are not stored are counted with the next line of any kind.
        """
        now = self._clock()
        if kind not in self._logged and len(self._logged) >= MAX_KINDS:
            oldest, logged = next(iter(self._logged.items()))
            if now - logged < self._seconds:
                self._suppressed[None] += 1
                return None
            del self._logged[oldest]
            self._suppressed[None] += self._suppressed.pop(oldest, 0)
        if now - self._logged.get(kind, -math.inf) < self._seconds:
            self._suppressed[kind] += 1
            return None
        self._logged.pop(kind, None)
        self._logged[kind] = now
        return self._suppressed.pop(kind, 0) + self._suppressed.pop(None, 0)


class Busy(Exception):
    """Too many requests wait already."""


class BoundedLock:
    """A lock with a limited number of waiters."""

    def __init__(self, max_waiting: int) -> None:
        self._free = max_waiting + 1
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        """Hold the lock within the block.

        Raises:
            Busy: Too many wait already.
        """
        if not self._free:
            raise Busy
        self._free -= 1
        try:
            async with self._lock:
                yield
        finally:
            self._free += 1


async def run_in_thread(work: Callable[[], T]) -> T:
    """Return the result of `work` in a thread, and wait for its end even if cancelled."""
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class SingleFlight(Generic[T]):
    """Runs work once for all callers that wait for it, and to its end even if they are cancelled.

    There are at least `seconds` between the starts of two runs.
    """

    def __init__(self, work: Callable[[], Awaitable[T]], seconds: float = 0.0) -> None:
        self._work = work
        self._seconds = seconds
        self._earliest = 0.0
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[T] | None = None
        self._running: asyncio.Task[T] | None = None

    async def do(self) -> T:
        """Return the result of the next run."""
        if self._next is None:
            self._next = asyncio.create_task(self._run())
        return await asyncio.shield(self._next)

    async def _run(self) -> T:
        clock = asyncio.get_running_loop().time
        async with self._lock:
            await asyncio.sleep(max(0.0, self._earliest - clock()))
            self._earliest = clock() + self._seconds
            self._running, self._next = self._next, None
            return await self._work()
