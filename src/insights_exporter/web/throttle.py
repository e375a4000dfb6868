"""Log lines that clients can cause: one of a kind in a while, the others are counted."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_KINDS = 100


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

    def suppressed(self, kind: str = "") -> int | None:
        """Return how many lines of a kind were suppressed since the last one; None if this one is, too."""
        now, last = self._clock(), self._kinds.get(kind)
        if last is not None and now - last.since < self._seconds:
            last.suppressed += 1
            return None
        if len(self._kinds) >= _KINDS:
            self._kinds.clear()
        self._kinds[kind] = _Kind(now)
        return last.suppressed if last else 0
