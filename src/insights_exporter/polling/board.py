"""What is served now: the newest snapshot, and the page that is ready for it."""

import asyncio
from collections.abc import Mapping

from insights_exporter.exposition.family import Family
from insights_exporter.exposition.page import Page, assemble
from insights_exporter.exposition.render import Chunk
from insights_exporter.exposition.snapshot import Snapshot, Source
from insights_exporter.polling.memory import give_back

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_TIMES_AS_LONG = 10
"""A pause lasts as many times as long as making the page did, so that little of the time goes into pages."""
_QUIET = 5.0


class Board:
    """Takes changes, and assembles the page behind them off the event loop.

    Changes that come while a page is being assembled, or shortly after, go
    together into the next one, so that many polls cost few pages.
    """

    def __init__(self, families: tuple[Family, ...]) -> None:
        self.snapshot = Snapshot.empty(families)
        self.page: Page = assemble(self.snapshot)
        self._assembling: asyncio.Task[None] | None = None
        self._shown: Snapshot = self.snapshot
        self._tidying: asyncio.TimerHandle | None = None

    def publish(self, changes: Mapping[tuple[Family, Source], Chunk | None]) -> None:
        """Replace chunks of the snapshot; the page follows in a moment."""
        if changes:
            self.snapshot = self.snapshot.replaced(changes)
            if self._assembling is None:
                self._assembling = asyncio.create_task(self._assemble())

    def show_now(self) -> None:
        """Bring the page up to date at once, before anybody is there to wait for it."""
        self.page, self._shown = assemble(self.snapshot, self.page), self.snapshot

    async def _assemble(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while self._shown is not self.snapshot:
                target, before, started = self.snapshot, self.page, clock()
                page = await asyncio.to_thread(assemble, target, before)
                if self.page is before:  # and nobody wanted a newer one at once
                    self.page, self._shown = page, target
                pause = _TIMES_AS_LONG * (clock() - started)
                await asyncio.sleep(min(max(pause, _SHORTEST_PAUSE), _LONGEST_PAUSE))
        finally:
            self._assembling = None
            self._tidy_soon()

    def _tidy_soon(self) -> None:
        """Give memory back once no page has been made for a while."""
        if self._tidying:
            self._tidying.cancel()
        loop = asyncio.get_running_loop()
        self._tidying = loop.call_later(_QUIET, loop.run_in_executor, None, give_back)
