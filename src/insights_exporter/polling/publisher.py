"""What is served now: the newest snapshot, and the page that is ready for it."""

import asyncio
from collections.abc import Iterable, Mapping

from insights_exporter.coder.errors import ApiError
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.page import Page, build_page
from insights_exporter.exposition.store import Changes, MetricStore, Snapshot, Source
from insights_exporter.exposition.text import RenderedFamily, render
from insights_exporter.polling.metrics import POLL_FAMILIES
from insights_exporter.polling.status import PollStatus, RequestStats
from insights_exporter.runtime import trim_heap

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_TIMES_AS_LONG = 10
"""A pause lasts as many times as long as making the page did, so that little of the time goes into pages."""
_QUIET = 5.0


class PageStore:
    """Takes changes, and assembles the page behind them off the event loop.

    Changes that come while a page is being assembled, or shortly after, go
    together into the next one, so that many polls cost few pages.
    """

    def __init__(self, families: tuple[MetricFamily, ...]) -> None:
        self.snapshot = Snapshot.empty(families)
        self.page: Page = build_page(self.snapshot)
        self._assembling: asyncio.Task[None] | None = None
        self._shown: Snapshot = self.snapshot
        self._tidying: asyncio.TimerHandle | None = None

    def publish(self, changes: Mapping[tuple[MetricFamily, Source], RenderedFamily | None]) -> None:
        """Replace chunks of the snapshot; the page follows in a moment."""
        if changes:
            self.snapshot = self.snapshot.replaced(changes)
            if self._assembling is None:
                self._assembling = asyncio.create_task(self._assemble())

    def show_now(self) -> None:
        """Bring the page up to date at once, before anybody is there to wait for it."""
        self.page, self._shown = build_page(self.snapshot, self.page), self.snapshot

    async def _assemble(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while self._shown is not self.snapshot:
                target, before, started = self.snapshot, self.page, clock()
                page = await asyncio.to_thread(build_page, target, before)
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
        self._tidying = loop.call_later(_QUIET, loop.run_in_executor, None, trim_heap)


def rendered(samples: Iterable[Samples], deployment: str) -> dict[MetricFamily, RenderedFamily]:
    """Render samples, one chunk a family."""
    return {each.family: render(each, deployment) for each in samples}


def _at(source: Source, chunks: Mapping[MetricFamily, RenderedFamily]) -> Changes:
    return {(family, source): chunk for family, chunk in chunks.items()}


class Publisher:
    """Puts one deployment's data and health on the board."""

    def __init__(self, deployment: str, ceiling: int, board: PageStore) -> None:
        self._deployment = deployment
        self._shelf = MetricStore(ceiling)
        self._board = board
        self._health: dict[Source, tuple[PollStatus, RequestStats]] = {}
        self._closed = False

    def source(self, dataset: str, window: str) -> Source:
        """Name where data come from."""
        return (self._deployment, dataset, window)

    def watch(self, poll: PollStatus, requests: RequestStats) -> None:
        """Show the health of a dataset and window, from now on."""
        self._health[self.source(poll.dataset, poll.window)] = (poll, requests)

    def data(self, source: Source, chunks: Mapping[MetricFamily, RenderedFamily]) -> None:
        """Serve `chunks`, and no longer what `source` gave before."""
        self._publish(self._shelf.put(source, chunks))

    def show(self, source: Source, samples: Iterable[Samples]) -> None:
        """Render samples, and serve them and no longer what `source` gave before."""
        self.data(source, rendered(samples, self._deployment))

    def withdraw(self, source: Source, *, rolling_only: bool = False) -> None:
        """Serve no longer what `source` gave, or what of it names a day."""
        served = self._shelf.families(source)
        gone = [family for family in served if family.expires_at_midnight or not rolling_only]
        self._publish(self._shelf.drop(source, gone))

    def health(self, *datasets: str) -> None:
        """Show how the polls of `datasets` go now."""
        self._publish({}, datasets)

    def close(self) -> None:
        """Take everything off the board, for good: a poll that is still under way shows nothing."""
        self._closed = True
        datasets = {poll.dataset for poll, _ in self._health.values()}
        self._board.publish(self._shelf.clear() | dict.fromkeys(self._health_changes(datasets)))

    def _publish(self, changes: Changes, datasets: Iterable[str] = ()) -> None:
        if self._closed:
            return
        touched = {dataset for _, (_, dataset, _) in changes}.union(datasets)
        self._board.publish(changes | self._health_changes(touched))

    def _health_changes(self, datasets: set[str]) -> Changes:
        changes: Changes = {}
        by_dataset: dict[str, RequestStats] = {}
        for source, (poll, requests) in self._health.items():
            if poll.dataset in datasets:
                poll.series = self._shelf.series(source)
                poll.dropped = self._shelf.dropped(source)
                by_dataset[poll.dataset] = requests
                changes |= self._health_of(source, poll, requests)
        for dataset, requests in by_dataset.items():
            changes |= _at(self.source(dataset, ""), rendered(requests.samples(), self._deployment))
        return changes

    def _health_of(self, source: Source, poll: PollStatus, requests: RequestStats) -> Changes:
        shown: Changes = {(family, source): None for family in POLL_FAMILIES}
        if requests.unavailable is None:
            shown |= _at(source, rendered(poll.samples(), self._deployment))
        return shown


class RequestObserver:
    """Takes note of a dataset's requests, and shows a failure at once, not when all tries are over."""

    def __init__(self, requests: RequestStats, publisher: Publisher) -> None:
        self._requests = requests
        self._publisher = publisher

    def request_ended(self, seconds: float, failure: ApiError | None, remaining: float | None) -> None:
        """Record one request: how long it took and how it ended."""
        self._requests.request_ended(seconds, failure, remaining)
        if failure:
            self._publisher.health(self._requests.dataset)
