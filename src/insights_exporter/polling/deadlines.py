"""What happens at its time, unless it is put off."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVarTuple

Arguments = TypeVarTuple("Arguments")

_EARLY = 0.001
"""Seconds by which the loop's timers may come before their time."""


class _Due(NamedTuple):
    when: float
    call: Callable[..., None]
    arguments: tuple[Any, ...]


class Deadlines:
    """Calls by what they are about, each at a time of the running loop's clock.

    All share one timer, set for the first of them: with hundreds of
    deployments there are ten thousand, nearly all of them put off before their time.
    """

    def __init__(self) -> None:
        self._due: dict[Hashable, _Due] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._set_for = 0.0
        self._closed = False

    def put(
        self, about: Hashable, seconds: float, call: Callable[[*Arguments], None], *arguments: *Arguments
    ) -> None:
        """Call in `seconds`, at once if they are over, instead of what was to be called about the same."""
        self._due.pop(about, None)
        if self._closed:
            return
        if seconds <= 0:
            call(*arguments)
            return
        self._due[about] = _Due(asyncio.get_running_loop().time() + seconds, call, arguments)
        self._set_timer()

    def close(self) -> None:
        """Call nothing any more."""
        self._closed = True
        self._due.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        first = min((due.when for due in self._due.values()), default=None)
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
            for about, due in list(self._due.items()):
                if due.when <= now and self._due.get(about) is due:
                    del self._due[about]
                    due.call(*due.arguments)
        finally:
            self._set_timer()
