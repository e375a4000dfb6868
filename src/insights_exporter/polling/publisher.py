"""What is exposed now: the newest snapshot, the page made of it, and the publishers that change it."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress

import structlog

from insights_exporter.coder.errors import ApiError
from insights_exporter.datasets.base import ConvertResult
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.page import Page, build_page
from insights_exporter.exposition.store import Changes, MetricStore, Snapshot, Source, StoreEntry
from insights_exporter.exposition.text import RenderedFamily, render_all
from insights_exporter.log import describe_exception
from insights_exporter.polling.fetch import Converted
from insights_exporter.polling.status import POLL_FAMILIES, PollStatus, RequestStats
from insights_exporter.runtime import trim_heap

PollEntry = StoreEntry[Converted | None]

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_TIMES_AS_LONG = 10
"""A pause lasts that many times as long as building the page did, so that little time goes into pages."""
_QUIET = 5.0
"""Seconds without a new page after which memory is returned to the system."""
_EARLY = 0.001
"""Seconds by which the loop's timers may come before their time."""


class PageStore:
    """The newest snapshot, and the page that `run` builds of it off the event loop.

    Changes that come while a page is being built, or shortly after, go
    together into the next one, so that many polls cost few pages.
    """

    def __init__(self, families: tuple[MetricFamily, ...]) -> None:
        self.snapshot = Snapshot.create_empty(families)
        self.page: Page = build_page(self.snapshot)
        self.version = self.page_version = 0
        """Number of changes of the snapshot: so far, and of those that the page includes."""
        self.publishers: set[Publisher] = set()
        """The publishers whose entries expire."""
        self._changed = asyncio.Event()

    def publish(self, changes: Changes) -> None:
        """Change the snapshot; the page follows in a moment."""
        before, self.snapshot = self.snapshot, self.snapshot.apply(changes)
        self.version += self.snapshot is not before
        self._changed.set()

    def refresh(self) -> None:
        """Bring the page up to date at once, before anyone can wait for it."""
        self._expire()
        self.page, self.page_version = build_page(self.snapshot, self.page), self.version

    async def run(self) -> None:
        """Let entries expire and keep the page up to date, until cancelled."""
        clock, trim_at = asyncio.get_running_loop().time, math.inf
        while True:
            await self._wait(trim_at)
            self._expire()
            if self.page_version < self.version:
                started = clock()
                await self._build()
                trim_at = clock() + _QUIET
                await asyncio.sleep(
                    min(max(_TIMES_AS_LONG * (clock() - started), _SHORTEST_PAUSE), _LONGEST_PAUSE)
                )
            elif clock() >= trim_at - _EARLY:
                trim_at = math.inf
                await asyncio.to_thread(trim_heap)

    async def _wait(self, until: float) -> None:
        """Wait for a change, the next expiry or a time."""
        until = min(until, *(each.store.next_end for each in self.publishers), math.inf)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(None if until == math.inf else until):
                await self._changed.wait()
        self._changed.clear()

    def _expire(self) -> None:
        now = asyncio.get_running_loop().time() + _EARLY
        for publisher in [each for each in self.publishers if each.store.next_end <= now]:
            try:
                publisher.expire(now)
            except Exception as error:  # noqa: BLE001 -- a bug in one dataset may not end all pages
                structlog.get_logger("insights_exporter").error(
                    "series not removed", err=describe_exception(error)
                )

    async def _build(self) -> None:
        version, before = self.version, self.page
        try:
            page = await asyncio.to_thread(build_page, self.snapshot, before)
        except Exception as error:  # noqa: BLE001 -- the next change builds the next page
            structlog.get_logger("insights_exporter").error("page not built", err=describe_exception(error))
        else:
            if self.page is before:  # else `refresh` has built a newer one
                self.page = page
        self.page_version = max(self.page_version, version)


class Publisher:
    """Publishes the series and the status of one deployment."""

    def __init__(self, deployment: str, max_series: int, pages: PageStore) -> None:
        self.store: MetricStore[Converted | None] = MetricStore(max_series)
        self._deployment = deployment
        self._pages = pages
        self._jobs: dict[Source, tuple[PollStatus, RequestStats]] = {}
        self._closed = False
        pages.publishers.add(self)

    def name_source(self, dataset: str, window: str = "", subject: str = "") -> Source:
        """Return the source of series of this deployment."""
        return (self._deployment, dataset, window, subject)

    def get_results(self, dataset: str, window: str | None = None) -> list[ConvertResult]:
        """Return the newest results of a dataset in a window, or over all its windows, without samples."""
        entries = self.store.find_entries(dataset, window).values()
        return [entry.details.result for entry in entries if entry.details]

    def register(self, poll: PollStatus, requests: RequestStats) -> None:
        """Expose the status of a dataset and window, from now on."""
        self._jobs[self.name_source(poll.dataset, poll.window)] = (poll, requests)

    def publish(self, entries: Mapping[Source, PollEntry], gone: Iterable[Source] = ()) -> None:
        """Replace what the sources of `entries` expose, and remove those that are `gone`."""
        if not self._closed:
            self._show(self.store.replace(entries, asyncio.get_running_loop().time(), gone))

    def publish_statuses(self, datasets: Iterable[str]) -> None:
        """Expose the status of datasets, by their names."""
        if not self._closed:
            self._pages.publish(self._render_statuses(set(datasets)))

    def record_request(
        self, requests: RequestStats, seconds: float, failure: ApiError | None, remaining: float | None
    ) -> None:
        """Record a request of a dataset, and expose a failure at once, not when all tries are over."""
        requests.record_request(seconds, failure, remaining)
        if failure:
            self.publish_statuses([requests.dataset])

    def expire(self, now: float) -> None:
        """Remove what has ended."""
        self._show(self.store.expire(now))

    def close(self) -> None:
        """Remove everything, for good: a poll that is still under way publishes nothing."""
        self._closed = True
        self._pages.publishers.discard(self)
        changes = self.store.clear()
        statuses = self._render_statuses({poll.dataset for poll, _ in self._jobs.values()})
        self._pages.publish({**changes, **{name: dict.fromkeys(parts) for name, parts in statuses.items()}})

    def _show(self, changes: Changes) -> None:
        """Publish changes, together with the status of the datasets whose series they are."""
        touched = {source[1] for parts in changes.values() for source in parts}
        self._pages.publish({**changes, **self._render_statuses(touched)})

    def _render_statuses(self, datasets: set[str]) -> Changes:
        changes = defaultdict[str, dict[Source, RenderedFamily | None]](dict)
        samples: list[tuple[Source, Iterable[Samples]]] = []
        by_dataset: dict[Source, RequestStats] = {}
        for source, (poll, requests) in self._jobs.items():
            if poll.dataset in datasets:
                by_dataset[self.name_source(poll.dataset)] = requests
                poll.series, poll.dropped = self.store.count_series(poll.dataset, poll.window)
                results = self.get_results(poll.dataset, poll.window)
                poll.aggregated = sum(result.aggregated for result in results)
                for family in POLL_FAMILIES:
                    changes[family.name][source] = None
                if requests.unavailable is None:
                    samples.append((source, poll.collect_samples()))
        samples += ((source, requests.collect_samples()) for source, requests in by_dataset.items())
        for source, each in samples:
            for part in render_all(each, self._deployment):
                changes[part.family.name][source] = part
        return changes
