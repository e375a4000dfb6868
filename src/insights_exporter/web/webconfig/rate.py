"""A token bucket: how many requests are let through, and when the next one is."""

from collections.abc import Callable

from insights_exporter.web.webconfig.loading import RateLimit


class TokenBucket:
    """Begins full, with `limit.burst` tokens; one more comes each `limit.interval` seconds."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._counted = clock()

    def take(self) -> float:
        """Take a token and give 0, or give the seconds until there is one."""
        now = self._clock()
        grown = self._tokens + (now - self._counted) / self.limit.interval
        self._tokens, self._counted = min(float(self.limit.burst), grown), now
        if self._tokens < 1:
            return (1 - self._tokens) * self.limit.interval
        self._tokens -= 1
        return 0.0
