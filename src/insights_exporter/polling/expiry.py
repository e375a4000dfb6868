"""What happens at its time, unless it is put off."""

import asyncio
import math
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Thing = TypeVar("Thing", bound=Hashable)

_EARLY = 0.001
"""Seconds by which the loop's timers may come before their time."""


class ExpiryTimers(Generic[Thing]):
    """Things whose time comes, on the running loop's clock; `call` is then called with each.

    All share one timer, set for the first of them: with hundreds of
    deployments there are ten thousand, nearly all of them put off before their time.
    """

    def __init__(self, call: Callable[[Thing], None]) -> None:
        self._call = call
        self._due: dict[Thing, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._set_for = 0.0
        self._closed = False

    def put(self, thing: Thing, seconds: float) -> None:
        """Have its time come in `seconds`, at once if they are over, and no longer when it was to come."""
        self._due.pop(thing, None)
        if self._closed:
            return
        if seconds <= 0:
            self._call(thing)
            return
        self._due[thing] = asyncio.get_running_loop().time() + seconds
        self._set_timer()

    def close(self) -> None:
        """Call nothing any more."""
        self._closed = True
        self._due.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        first = min(self._due.values(), default=None)
        if self._timer and (first is None or first < self._set_for):
            self._timer.cancel()
            self._timer = None
        if first is not None and not self._timer:
            loop = asyncio.get_running_loop()
            self._timer, self._set_for = loop.call_later(first - loop.time(), self._run), first

    def _run(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time() + _EARLY
        try:
            for thing in [thing for thing, when in self._due.items() if when <= now]:
                if self._due.get(thing, math.inf) <= now:  # none before it has put it off
                    del self._due[thing]
                    self._call(thing)
        finally:
            self._set_timer()
