"""The reload route, and limits on concurrent work."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest
from starlette.datastructures import Headers

from insights_exporter.web.app import is_cross_origin
from insights_exporter.web.concurrency import BoundedLock, Busy, SingleFlight, run_in_thread


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, False, id="no browser"),
        pytest.param({"sec-fetch-site": "same-origin"}, False, id="the status page"),
        pytest.param({"sec-fetch-site": "none"}, False, id="typed by the user"),
        pytest.param({"sec-fetch-site": "same-site"}, True, id="another host of the domain"),
        pytest.param({"sec-fetch-site": "cross-site"}, True, id="another site"),
        pytest.param({"sec-fetch-site": "cross-site", "origin": "http://here"}, True, id="a lie in Origin"),
        pytest.param({"origin": "http://here", "host": "here"}, False, id="an old browser, same origin"),
        pytest.param({"origin": "http://there", "host": "here"}, True, id="an old browser, another origin"),
        pytest.param({"origin": "null", "host": "here"}, True, id="an old browser, a local file"),
        pytest.param({"origin": "http://here:1", "host": "here"}, True, id="another port"),
    ],
)
def test_cross_origin(headers: dict[str, str], expected: bool) -> None:
    """Only requests that a browser sends for another origin count."""
    assert expected is is_cross_origin(Headers(headers))


async def test_requests_share_the_next_run() -> None:
    """Requests that arrive during a run share the next one."""
    begun, go_on, results = asyncio.Event(), asyncio.Event(), iter("abc")

    async def work(results: Iterator[str] = results) -> str:
        begun.set()
        await go_on.wait()
        return next(results)

    shared = SingleFlight(work)
    first = asyncio.create_task(shared.do())
    await begun.wait()
    others = [asyncio.create_task(shared.do()) for _ in range(5)]
    await asyncio.sleep(0)
    go_on.set()

    assert "a" == await first
    assert ["b"] * 5 == await asyncio.gather(*others)


async def test_runs_have_an_interval() -> None:
    """The first run begins at once, later ones after an interval, and requests in between share a run."""
    clock, seconds, begins = asyncio.get_running_loop().time, 0.1, list[float]()

    async def work() -> None:
        begins.append(clock())

    shared = SingleFlight(work, seconds)
    for _ in range(2):
        await asyncio.gather(*(shared.do() for _ in range(5)))
    await shared.do()
    async with asyncio.timeout(20):
        await SingleFlight(work, 1000).do()

    assert 4 == len(begins)
    assert all(later - earlier >= seconds for earlier, later in pairwise(begins[:3]))


async def test_run_is_completed_without_its_client() -> None:
    """A run is completed even if its client disconnects."""
    begun, go_on, read_to_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        read_to_end.set()

    task = asyncio.create_task(SingleFlight(work).do())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    go_on.set()
    await read_to_end.wait()

    assert task.cancelled()


async def test_too_many_waiting_requests_are_refused() -> None:
    """One request works, a limited number waits, and one more is refused at once."""
    turn = BoundedLock(1)

    async def wait() -> None:
        async with turn.acquire():
            pass

    async with turn.acquire():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await wait()
        waiting.cancel()
        await asyncio.wait([waiting])
        waiting = asyncio.create_task(wait())
    await waiting


async def test_cancelled_request_waits_for_its_thread() -> None:
    """A cancelled request ends only after its thread."""
    loop, go_on, begun = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()

    task = asyncio.create_task(run_in_thread(work))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    still_there = not task.done()
    go_on.set()
    await asyncio.wait([task])

    assert still_there
    assert task.cancelled()
