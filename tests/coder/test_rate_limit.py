"""How requests are admitted, of one deployment and of all together."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import hypothesis
import pytest
from hypothesis import strategies as st

from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.rate_limit import LARGEST_BURST, GlobalRateLimiter, RateLimiter
from tests.support.fast_clock import run_fast

START = datetime(2026, 3, 1, tzinfo=UTC)
NEVER = float("inf")


async def acquire_turn(
    limiter: RateLimiter, times: list[float], path: str = "/", priority: int = 0, takes: float = 0.0
) -> None:
    """Acquire a turn, record the time, and keep it for a while."""
    async with limiter.acquire(path, priority, NEVER):
        times.append(asyncio.get_running_loop().time())
        await asyncio.sleep(takes)


@hypothesis.given(
    per_minute=st.integers(1, 600),
    concurrency=st.integers(1, 20),
    takes=st.floats(0, 5),
    count=st.integers(1, 150),
)
@hypothesis.settings(max_examples=50)
def test_no_minute_has_more_than_the_rate_and_a_burst(
    per_minute: int, concurrency: int, takes: float, count: int
) -> None:
    """In no span of 60 seconds start more requests than the rate and one burst."""
    times: list[float] = []

    async def run_all() -> None:
        limiter = RateLimiter(per_minute, concurrency)
        await asyncio.gather(*(acquire_turn(limiter, times, takes=takes) for _ in range(count)))

    run_fast(START, run_all)

    assert len(times) == count
    for number, start in enumerate(times):
        assert sum(1 for other in times[number:] if other < start + 60) <= per_minute + min(
            per_minute, LARGEST_BURST
        )


def test_no_more_at_once_than_allowed() -> None:
    """While as many requests run as may, the next waits for one to end."""
    times: list[float] = []

    async def run_all() -> None:
        limiter = RateLimiter(600, concurrency=2)
        await asyncio.gather(*(acquire_turn(limiter, times, takes=10) for _ in range(4)))

    run_fast(START, run_all)

    assert [0, 0, 10, 10] == times


def test_turn_of_a_cancelled_request_is_passed_on() -> None:
    """A request that is cancelled just when it is admitted gives its turn back."""
    times: list[float] = []

    async def run_all() -> None:
        limiter = RateLimiter(600, concurrency=1)
        async with limiter.acquire("/", 0, NEVER):
            waiting = asyncio.create_task(acquire_turn(limiter, times))
            await asyncio.sleep(1)
        waiting.cancel()  # it is admitted, but has not run since
        async with asyncio.timeout(1):
            await acquire_turn(limiter, times)

    run_fast(START, run_all)

    assert [1] == times


def test_lower_priority_goes_first() -> None:
    """A lower priority goes first; equal ones go in the order of arrival."""
    order: list[str] = []

    async def through(limiter: RateLimiter, name: str, priority: int) -> None:
        async with limiter.acquire("/", priority, NEVER):
            order.append(name)
            await asyncio.sleep(1)

    async def run_all() -> None:
        limiter = RateLimiter(600, concurrency=1)
        names = [("first", 0), ("late", 2), ("next", 0), ("soon", 1), ("after", 0)]
        await asyncio.gather(*(through(limiter, name, priority) for name, priority in names))

    run_fast(START, run_all)

    assert ["first", "next", "after", "soon", "late"] == order


def test_blocked_path_does_not_block_others() -> None:
    """No request to a blocked path is admitted until its time is over; other paths are not affected."""
    blocked: list[float] = []
    free: list[float] = []

    async def run_all() -> None:
        limiter = RateLimiter(600, concurrency=1)
        limiter.block("/blocked", 30)
        await asyncio.gather(acquire_turn(limiter, blocked, "/blocked"), acquire_turn(limiter, free, "/free"))

    run_fast(START, run_all)

    assert [0] == free
    assert [pytest.approx(30, abs=0.01)] == blocked


@pytest.mark.parametrize(
    ("path", "per_minute", "cause"),
    [
        pytest.param("/blocked", 600, "rate_limited", id="the server requested a wait"),
        pytest.param("/", 600, "concurrency_too_low", id="another request takes long"),
        pytest.param("/", 1, "rate_too_low", id="another request used the rate"),
    ],
)
def test_no_turn_before_the_deadline(path: str, per_minute: float, cause: str) -> None:
    """A request without a turn before the deadline fails with the limit as its cause, and frees its place."""
    times: list[float] = []

    async def run_all() -> None:
        limiter = RateLimiter(per_minute, concurrency=1)
        limiter.block("/blocked", 100)
        first = asyncio.create_task(acquire_turn(limiter, times, "/other", takes=20))
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as failed:
            async with limiter.acquire(path, 0, 10):
                pass
        assert ("rate_limited", cause) == (failed.value.reason, failed.value.cause)
        await first
        await acquire_turn(limiter, times, "/other")

    run_fast(START, run_all)

    assert [0, pytest.approx(max(20, 60 / per_minute), abs=0.01)] == times


def test_cancelled_request_frees_its_place() -> None:
    """A request that is cancelled, waiting or just admitted, leaves the limiter as it was."""
    times: list[float] = []

    async def run_all() -> None:
        limiter = RateLimiter(600, concurrency=1)
        first = asyncio.create_task(acquire_turn(limiter, times, takes=100))
        waiting = asyncio.create_task(acquire_turn(limiter, times))
        await asyncio.sleep(1)
        first.cancel()
        waiting.cancel()
        await asyncio.gather(first, waiting, return_exceptions=True)
        await acquire_turn(limiter, times)

    run_fast(START, run_all)

    assert [0, 1] == times


START = datetime(2026, 3, 1, tzinfo=UTC)
NEARLY = 1e-6
"""Seconds by which a clock of floats may be off."""


def run_requests(global_limit: GlobalRateLimiter, arrivals: Sequence[float]) -> list[float]:
    """Return the times at which requests that arrive after so many seconds are admitted."""
    times = list[float]()

    async def one(after: float) -> None:
        await asyncio.sleep(after)
        await global_limit.acquire()
        times.append(asyncio.get_running_loop().time())

    async def run_all() -> None:
        await asyncio.gather(*map(one, arrivals))

    run_fast(START, run_all)
    return times


@hypothesis.given(
    arrivals=st.lists(st.floats(0, 20), max_size=60),
    per_second=st.integers(1, 50),
    at_once=st.integers(1, 20),
)
@hypothesis.settings(max_examples=50)
def test_no_second_has_more_than_the_rate_and_a_row(
    arrivals: list[float], per_second: int, at_once: int
) -> None:
    """In no second more pass than `per_second` and one row of `at_once`."""
    times = run_requests(GlobalRateLimiter(per_second, at_once), arrivals)

    assert len(arrivals) == len(times)
    for number, first in enumerate(times):
        assert sum(1 for other in times[number:] if other < first + 1 - NEARLY) <= per_second + at_once


def test_few_do_not_wait() -> None:
    """One deployment's first round passes at once, and so does the next after a while."""
    times = run_requests(GlobalRateLimiter(per_second=10, at_once=5), [0] * 5 + [60] * 5)

    assert [0] * 5 + [60] * 5 == [round(time - times[0]) for time in times]


def test_many_wait_for_their_turn() -> None:
    """Requests above the burst are admitted at the rate."""
    times = run_requests(GlobalRateLimiter(per_second=10, at_once=5), [60] * 25)

    assert [0] * 5 + [number / 10 for number in range(1, 21)] == [round(time - times[0], 3) for time in times]
