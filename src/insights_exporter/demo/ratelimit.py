"""The rate limit: so many requests a minute, for each endpoint and user."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

WINDOW = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands after a request; `headers` are empty without a limit."""

    exceeded: bool
    headers: Mapping[str, str]


UNLIMITED = Standing(exceeded=False, headers={})


@dataclass(slots=True)
class RateLimiter:
    """Counts requests in windows of a whole minute."""

    _counts: dict[str, int] = field(default_factory=dict)
    _window: int = 0

    def count(self, key: str, limit: int, now: datetime) -> Standing:
        """Count one request; a negative limit is none."""
        if limit < 0:
            return UNLIMITED
        window = int(now.timestamp()) // WINDOW
        if window != self._window:
            self._window = window
            self._counts.clear()
        used = self._counts[key] = self._counts.get(key, 0) + 1
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(limit - used, 0)),
            "X-RateLimit-Reset": str((window + 1) * WINDOW),
        }
        return Standing(exceeded=used > limit, headers=headers)
