"""How fast a whole process asks."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import hypothesis
from hypothesis import strategies as st

from insights_exporter.coder.rate_limit import GlobalRateLimiter
from tests.support.fast_clock import run_fast

START = datetime(2026, 3, 1, tzinfo=UTC)
NEARLY = 1e-6
"""Seconds by which a clock of floats may be off."""


def passages(global_limit: GlobalRateLimiter, arrivals: Sequence[float]) -> list[float]:
    """Give when they pass who arrive after so many seconds."""
    times = list[float]()

    async def one(after: float) -> None:
        await asyncio.sleep(after)
        await global_limit.acquire()
        times.append(asyncio.get_running_loop().time())

    async def everybody() -> None:
        await asyncio.gather(*map(one, arrivals))

    run_fast(START, everybody)
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
    times = passages(GlobalRateLimiter(per_second, at_once), arrivals)

    assert len(arrivals) == len(times)
    for number, first in enumerate(times):
        assert sum(1 for other in times[number:] if other < first + 1 - NEARLY) <= per_second + at_once


def test_few_do_not_wait() -> None:
    """One deployment's first round passes at once, and so does the next after a while."""
    times = passages(GlobalRateLimiter(per_second=10, at_once=5), [0] * 5 + [60] * 5)

    assert [0] * 5 + [60] * 5 == [round(time - times[0]) for time in times]


def test_many_wait_for_their_turn() -> None:
    """What is more than a row is let through at the rate."""
    times = passages(GlobalRateLimiter(per_second=10, at_once=5), [0] * 25)

    assert 2 == round(times[-1] - times[0])
