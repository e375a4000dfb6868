"""Bounds on what requests cause: work off the event loop, and log lines."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

_KINDS = 100
"""Kinds that are remembered, and so lines of all kinds within the time."""


@dataclass(slots=True)
class _Kind:
    since: float
    suppressed: int = 0


class Throttle:
    """Decides which lines are logged."""

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kinds: dict[str, _Kind] = {}
        """In the order of their last lines."""
        self._others = 0
        """Suppressed lines of kinds that are not remembered."""

    def suppressed(self, kind: str = "") -> int | None:
        """Return how many lines were suppressed since the last one of a kind; None if this one is, too.

        Lines of kinds that are not remembered count with any kind.
        """
        last = self._kinds.get(kind)
        if last is not None and self._is_recent(last):
            last.suppressed += 1
            return None
        if last is None and not self._make_room():
            self._others += 1
            return None
        self._kinds.pop(kind, None)
        self._kinds[kind] = _Kind(self._clock())
        count, self._others = self._others + (last.suppressed if last else 0), 0
        return count

    def _make_room(self) -> bool:
        """Forget the oldest kind if there are too many; return whether there is room for another."""
        if len(self._kinds) < _KINDS:
            return True
        name, oldest = next(iter(self._kinds.items()))
        if self._is_recent(oldest):
            return False
        self._others += self._kinds.pop(name).suppressed
        return True

    def _is_recent(self, kind: _Kind) -> bool:
        return self._clock() - kind.since < self._seconds


WAITING_PAGES = 16
"""How many status pages, and how many of `/config`, wait for their turn."""

T = TypeVar("T")


class Busy(Exception):
    """As much work waits as may."""


class OneAtATime:
    """Lets one request after the other do its work; a bounded number of them waits."""

    def __init__(self, waiting: int) -> None:
        self._free = waiting + 1
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> None:
        """Wait for the turn.

        Raises:
            Busy: too many wait already.
        """
        if not self._free:
            raise Busy
        self._free -= 1
        try:
            await self._turn.acquire()
        except BaseException:
            self._free += 1
            raise

    async def __aexit__(self, *_: object) -> None:
        """Let the next one go on."""
        self._free += 1
        self._turn.release()


async def in_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns in a thread, and wait for its end even if cancelled."""
    return await finished(asyncio.to_thread(work))


async def finished(work: Awaitable[T]) -> T:
    """Return what `work` returns, and wait for its end even if cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class Shared(Generic[T]):
    """Work that is done once for all who want it while it waits, and to its end whether they stay or not.

    There are at least `seconds` between the starts of two runs.
    """

    def __init__(self, work: Callable[[], Awaitable[T]], seconds: float = 0.0) -> None:
        self._work = work
        self._seconds = seconds
        self._earliest = 0.0
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[T] | None = None
        self._running: asyncio.Task[T] | None = None

    async def do(self) -> T:
        """Return what the next run returns."""
        if self._next is None:
            self._next = asyncio.create_task(self._run())
        return await asyncio.shield(self._next)

    async def _run(self) -> T:
        clock = asyncio.get_running_loop().time
        async with self._turn:
            await asyncio.sleep(max(0.0, self._earliest - clock()))
            self._earliest = clock() + self._seconds
            self._running, self._next = self._next, None
            return await self._work()
