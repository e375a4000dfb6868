"""The turnstile: how fast one process asks, however many deployments it has."""

import asyncio

PER_SECOND = 125.0
"""A request costs some 3 ms of processor: with this many there is time for scrapes in between."""
AT_ONCE = 50


class Turnstile:
    """Lets `per_second` requests pass, and up to `at_once` of them in a row after a pause.

    Polls of all deployments fall into the same minute after a roll-up of
    Coder; hundreds of deployments would have no processor left for scrapes.
    """

    def __init__(self, per_second: float = PER_SECOND, at_once: int = AT_ONCE) -> None:
        self._apart = 1 / per_second
        self._saved = at_once * self._apart
        self._next = 0.0

    async def passed(self) -> None:
        """Wait for a turn, in the order of arrival."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - self._saved) + self._apart
        if self._next > now:
            await asyncio.sleep(self._next - now)
