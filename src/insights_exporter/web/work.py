"""Work for requests that is kept off the event loop, and bounded."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

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
