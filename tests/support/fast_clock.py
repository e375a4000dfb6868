"""A clock that jumps, for days of a schedule in seconds."""

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import ParamSpec, TypeVar

import time_machine

P = ParamSpec("P")
T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Never waits: if nothing is ready, time jumps."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now."""
        ready = super().select(0)
        if not ready and timeout:
            self._pass_time(timeout)
        return ready


class _AtOnce(ThreadPoolExecutor):
    """Runs the work of a thread at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn` and return its result."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 -- it is handed on, whatever it is
            done.set_exception(error)
        return done


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop whose time and wall clock jump to the next timer."""

    def __init__(self, wall: time_machine.Traveller) -> None:
        super().__init__(_Jumping(self._pass))
        self._wall = wall
        self._start = datetime.now(UTC)
        self._now = timedelta()
        self.set_default_executor(_AtOnce())

    def time(self) -> float:
        """Return the loop's time, in seconds since it was made."""
        return self._now.total_seconds()

    def step_wall_clock(self, by: timedelta) -> None:
        """Set the wall clock forward or back; the loop's time is not affected."""
        self._start += by
        self._wall.move_to(self._start + self._now)

    def _pass(self, seconds: float) -> None:
        """Advance by whole microseconds, so that both clocks are equal."""
        self._now += timedelta(microseconds=math.ceil(seconds * 1_000_000))
        self._wall.move_to(self._start + self._now)


def run_fast(start: datetime, work: Callable[[], Coroutine[None, None, T]]) -> T:
    """Run `work` from `start` on, on a clock that never waits."""
    with (
        time_machine.travel(start, tick=False) as wall,
        asyncio.Runner(loop_factory=lambda: FastLoop(wall)) as runner,
    ):
        return runner.run(work())


AT_ONCE = _AtOnce()
