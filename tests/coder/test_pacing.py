"""How requests are let through."""

import asyncio
from datetime import UTC, datetime

import hypothesis
import pytest
from hypothesis import strategies as st

from insights_exporter.coder.errors import ApiError
from insights_exporter.coder.rate_limit import LARGEST_BURST, RateLimiter
from tests.support.fast_clock import run_fast

START = datetime(2026, 3, 1, tzinfo=UTC)
NEVER = float("inf")


async def passed(
    gate: RateLimiter, times: list[float], path: str = "/", priority: int = 0, takes: float = 0.0
) -> None:
    """Go through the gate, note when, and stay for a while."""
    async with gate.acquire(path, priority, NEVER):
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

    async def everybody() -> None:
        gate = RateLimiter(per_minute, concurrency)
        await asyncio.gather(*(passed(gate, times, takes=takes) for _ in range(count)))

    run_fast(START, everybody)

    assert len(times) == count
    for number, start in enumerate(times):
        assert sum(1 for other in times[number:] if other < start + 60) <= per_minute + min(
            per_minute, LARGEST_BURST
        )


def test_no_more_at_once_than_allowed() -> None:
    """While as many requests run as may, the next waits for one to end."""
    times: list[float] = []

    async def everybody() -> None:
        gate = RateLimiter(600, concurrency=2)
        await asyncio.gather(*(passed(gate, times, takes=10) for _ in range(4)))

    run_fast(START, everybody)

    assert times == [0, 0, 10, 10]


def test_lower_priority_goes_first() -> None:
    """Who is more urgent goes first, whoever came first; equals go in the order of arrival."""
    order: list[str] = []

    async def through(gate: RateLimiter, name: str, priority: int) -> None:
        async with gate.acquire("/", priority, NEVER):
            order.append(name)
            await asyncio.sleep(1)

    async def everybody() -> None:
        gate = RateLimiter(600, concurrency=1)
        names = [("first", 0), ("late", 2), ("next", 0), ("soon", 1), ("after", 0)]
        await asyncio.gather(*(through(gate, name, priority) for name, priority in names))

    run_fast(START, everybody)

    assert order == ["first", "next", "after", "soon", "late"]


def test_path_on_hold_waits_and_others_go_on() -> None:
    """A path on hold lets nothing through until its time is over; others are not touched."""
    held: list[float] = []
    free: list[float] = []

    async def everybody() -> None:
        gate = RateLimiter(600, concurrency=1)
        gate.block("/held", 30)
        await asyncio.gather(passed(gate, held, "/held"), passed(gate, free, "/free"))

    run_fast(START, everybody)

    assert free == [0]
    assert held == [pytest.approx(30, abs=0.01)]


@pytest.mark.parametrize("why", ["held", "busy"])
def test_turn_that_does_not_come_in_time(why: str) -> None:
    """Who gets no turn before the deadline is told so, and takes nobody's place."""
    times: list[float] = []

    async def everybody() -> None:
        gate = RateLimiter(600, concurrency=1)
        if why == "held":
            gate.block("/", 100)
        first = asyncio.create_task(passed(gate, times, "/other", takes=20))
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as failed:
            async with gate.acquire("/", 0, 10):
                pass
        assert failed.value.reason == "rate_limited"
        await first
        await passed(gate, times, "/other")

    run_fast(START, everybody)

    assert times == [0, 20]


def test_who_gives_up_frees_the_place() -> None:
    """A request that is cancelled, waiting or just admitted, leaves the gate as it was."""
    times: list[float] = []

    async def everybody() -> None:
        gate = RateLimiter(600, concurrency=1)
        first = asyncio.create_task(passed(gate, times, takes=100))
        waiting = asyncio.create_task(passed(gate, times))
        await asyncio.sleep(1)
        first.cancel()
        waiting.cancel()
        await asyncio.gather(first, waiting, return_exceptions=True)
        await passed(gate, times)

    run_fast(START, everybody)

    assert times == [0, 1]
