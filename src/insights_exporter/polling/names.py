"""Which templates there are and which are in use, as far as is known by now."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping

from insights_exporter.datasets.dataset import Template


class Names:
    """What one dataset learns and another needs: ids in use, and names.

    `ask_again` is called when a report names a template that is younger than
    the list; once for each, since a deleted one is never listed again.
    """

    def __init__(self, ask_again: Callable[[], None] = lambda: None) -> None:
        self.templates: Mapping[str, Template] = {}
        self._ask_again = ask_again
        self._asked_for: set[str] = set()
        self._in_use: dict[str, tuple[str, ...]] = {}
        self._listed = asyncio.Event()
        self._reported: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def listed(self, templates: Mapping[str, Template] | None) -> None:
        """Take the list of templates; None where it cannot be had."""
        self.templates = self.templates if templates is None else templates
        self._asked_for.update(*self._in_use.values())
        self._listed.set()

    def reported(self, window: str, in_use: tuple[str, ...]) -> None:
        """Take the ids that the newest report of a window names."""
        self._in_use[window] = in_use
        self._reported[window].set()
        unknown = set(in_use) - self.templates.keys() - self._asked_for
        if unknown and self._listed.is_set():
            self._asked_for |= unknown
            self._ask_again()

    async def known(self, window: str) -> None:
        """Wait for the first report of the window, and for the first try to get the list."""
        await self._reported[window].wait()
        await self._listed.wait()

    def reported_for(self, window: str) -> bool:
        """Tell whether there is a report of the window by now."""
        return self._reported[window].is_set()

    def in_use(self, window: str) -> tuple[str, ...]:
        """Give the ids in use in a window, none before its first report."""
        return self._in_use.get(window, ())
