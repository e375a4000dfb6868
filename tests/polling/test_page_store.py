"""The page store: many changes, few pages, and no part rendered twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain

import pytest

from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.exposition.family import Samples
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.page import Page, build_page
from insights_exporter.exposition.store import Changes, Snapshot, Source
from insights_exporter.exposition.text import render
from insights_exporter.polling import publisher
from insights_exporter.polling.publisher import PageStore, PollEntry, Publisher
from tests.polling.polled_deployment import create_small_coder, poll_deployment, run_on_fast_clock

USERS = next(
    family for family in list_data_families(DATASETS) if family.name == "coder_insights_active_users"
)


def users(value: float, window: str = "7d") -> Changes:
    """Return a change of the active users of a window."""
    source: Source = ("dev", "templates", window, "")
    return {USERS.name: {source: render(Samples(USERS, [((window,), value)]), "dev")}}


@asynccontextmanager
async def running() -> AsyncIterator[PageStore]:
    """Yield a store whose page is kept up to date."""
    pages = PageStore(list_data_families(DATASETS))
    task = asyncio.create_task(pages.run())
    yield pages
    task.cancel()


def text(pages: PageStore) -> bytes:
    """Return the page as text."""
    return b"".join(chain.from_iterable(pages.page.contents[Format.TEXT].group_parts()))


def test_page_follows_a_change() -> None:
    """A change is on the page a moment later."""

    async def scenario() -> tuple[bytes, bytes]:
        async with running() as pages:
            before = text(pages)
            pages.publish(users(3))
            await asyncio.sleep(0.2)
            return before, text(pages)

    before, after = run_on_fast_clock(scenario)

    assert b"" == before
    assert b'coder_insights_active_users{deployment="dev",window="7d"} 3.0\n' in after


def test_burst_of_changes_makes_few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand changes within a second make about ten pages, and the last one has them all."""
    made: list[Snapshot] = []

    def counted(snapshot: Snapshot, previous: Page | None = None) -> Page:
        made.append(snapshot)
        return build_page(snapshot, previous)

    monkeypatch.setattr(publisher, "build_page", counted)

    async def scenario() -> bytes:
        async with running() as pages:
            for number in range(1000):
                pages.publish(users(number))
                await asyncio.sleep(0.001)
            await asyncio.sleep(1)
            return text(pages)

    page = run_on_fast_clock(scenario)

    assert b"} 999.0\n" in page
    assert 3 <= len(made) <= 15


def test_refreshed_page_is_not_replaced_by_an_older_one() -> None:
    """A page whose build began before `refresh` does not replace the newer one."""

    async def scenario() -> tuple[bytes, bytes]:
        async with running() as pages:
            pages.publish(users(3))
            await asyncio.sleep(0)
            pages.publish(users(4))
            pages.refresh()
            at_once = text(pages)
            await asyncio.sleep(0.05)
            return at_once, text(pages)

    at_once, later = run_on_fast_clock(scenario)

    assert b"} 4.0\n" in at_once
    assert at_once == later


def test_unchanged_bytes_build_no_page() -> None:
    """The same bytes again leave the page the same object."""

    async def scenario() -> tuple[Page, Page]:
        async with running() as pages:
            pages.publish(users(3))
            await asyncio.sleep(1)
            first = pages.page
            pages.publish(users(3))
            pages.publish({})
            await asyncio.sleep(1)
            return first, pages.page

    first, second = run_on_fast_clock(scenario)

    assert first is second


def test_failed_build_is_repeated_with_the_next_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while a page is built does not stop later builds."""

    def broken(_snapshot: Snapshot, _previous: Page) -> Page:
        raise MemoryError

    async def scenario() -> bytes:
        async with running() as pages:
            monkeypatch.setattr(publisher, "build_page", broken)
            pages.publish(users(3))
            await asyncio.sleep(1)
            monkeypatch.setattr(publisher, "build_page", build_page)
            pages.publish(users(4))
            await asyncio.sleep(1)
            return text(pages)

    assert b"} 4.0\n" in run_on_fast_clock(scenario)


def test_series_that_cannot_be_removed_stop_no_page() -> None:
    """A bug that shows when series of one dataset expire does not keep the page from following the others."""

    class BrokenPublisher(Publisher):
        def expire(self, now: float) -> None:
            super().expire(now)
            raise KeyError

    async def scenario() -> bytes:
        async with running() as pages:
            broken = BrokenPublisher("broken", 100, pages)
            expires = asyncio.get_running_loop().time() + 1
            broken.publish(
                {broken.name_source("daus"): PollEntry(families=(), expires=expires, details=None)}
            )
            await asyncio.sleep(2)
            pages.publish(users(4))
            await asyncio.sleep(1)
            return text(pages)

    assert b"} 4.0\n" in run_on_fast_clock(scenario)


Window = tuple[str, ...]


def find_changed_windows(before: Snapshot, after: Snapshot) -> set[Window]:
    """Return deployment, dataset and window of all parts that are different objects."""
    return {
        source[:3]
        for name in before.parts
        for source in (*before.parts[name].get("dev", ()), *after.parts[name].get("dev", ()))
        if before.parts[name].get("dev", {}).get(source) is not after.parts[name].get("dev", {}).get(source)
    }


def test_poll_renders_only_its_own_parts() -> None:
    """After a poll of one dataset and window, the parts of all others are the same objects."""

    async def scenario() -> list[tuple[Window, set[Window]]]:
        seen = list[tuple[Window, set[Window]]]()
        async with poll_deployment(create_small_coder()) as polled:
            await asyncio.sleep(100)
            for _ in range(900):
                snapshot = polled.pages.snapshot
                earlier = {job.name: job.status.last_success for job in polled.poller.jobs}
                await asyncio.sleep(1)
                finished = [job for job in polled.poller.jobs if job.status.last_success != earlier[job.name]]
                if len(finished) == 1:
                    source = ("dev", finished[0].status.dataset, finished[0].status.window)
                    seen.append((source, find_changed_windows(snapshot, polled.pages.snapshot)))
        return seen

    seen = run_on_fast_clock(scenario)

    assert len({source for source, _ in seen}) >= 4
    assert [] == [(source, others) for source, others in seen if others - {source, (*source[:2], "")}]
    assert all(source in sources for source, sources in seen)


async def test_refresh_builds_the_page_at_once() -> None:
    """What was published before is on the page when `refresh` returns."""
    pages = PageStore(list_data_families(DATASETS))

    pages.publish(users(5))
    pages.refresh()

    assert b'coder_insights_active_users{deployment="dev",window="7d"} 5.0' in text(pages)
