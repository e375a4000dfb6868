"""The templates of a deployment: which are in use, and their names."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping

from insights_exporter.datasets.base import Template


class TemplateIndex:
    """What one dataset finds out about templates and others need: ids in use, and names.

    `list_again` (None: they are not listed) is called when a report names a template that is not listed
    yet; once for each, since a deleted one is never listed again.
    """

    def __init__(self, list_again: Callable[[], None] | None) -> None:
        self.templates: Mapping[str, Template] = {}
        self._list_again = list_again
        self._expected: set[str] = set()
        self._in_use: dict[str, tuple[str, ...]] = {}
        self._is_listed = asyncio.Event()
        if list_again is None:
            self._is_listed.set()
        self._reports: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def set_templates(self, templates: Mapping[str, Template] | None) -> None:
        """Set the templates by id; None if they cannot be listed."""
        self.templates = self.templates if templates is None else templates
        self._expected.update(*self._in_use.values())
        self._is_listed.set()

    def set_in_use(self, window: str, in_use: tuple[str, ...]) -> None:
        """Set the ids that the newest report of a window names."""
        self._in_use[window] = in_use
        self._reports[window].set()
        unknown = set(in_use) - self.templates.keys() - self._expected
        if unknown and self._list_again and self._is_listed.is_set():
            self._expected |= unknown
            self._list_again()

    async def wait_ready(self, window: str) -> None:
        """Wait for the first report of the window, and for the first try to list the templates."""
        await self._reports[window].wait()
        await self._is_listed.wait()

    def has_report(self, window: str) -> bool:
        """Return whether there is a report of the window yet."""
        return self._reports[window].is_set()

    def get_in_use(self, window: str) -> tuple[str, ...]:
        """Return the ids in use in a window, none before its first report."""
        return self._in_use.get(window, ())
