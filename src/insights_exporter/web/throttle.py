"""Log lines that clients can cause: one of a kind in a while, the others are counted."""

import time
from collections.abc import Callable
from dataclasses import dataclass

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
