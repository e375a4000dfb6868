"""What is due comes at its time, once, and not where it was put off."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_exporter.polling.deadlines import Deadlines
from tests.polling.watching import on_fast_clock

Told = list[tuple[float, str]]
Steps = Sequence[tuple[float, str, float]]


def told(play: Callable[[Deadlines, Callable[[str], None]], Coroutine[None, None, None]]) -> Told:
    """Give what was called when, in seconds from the beginning."""
    calls: Told = []

    async def scenario() -> Told:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await play(Deadlines(), lambda what: calls.append((round(loop.time() - started, 2), what)))
        return calls

    return on_fast_clock(scenario)


def test_each_comes_at_its_time() -> None:
    """Whatever the order in which they were put."""

    async def play(deadlines: Deadlines, tell: Callable[[str], None]) -> None:
        deadlines.put("b", 20, tell, "second")
        deadlines.put("c", 30, tell, "third")
        deadlines.put("a", 10, tell, "first")
        await asyncio.sleep(100)

    assert [(10, "first"), (20, "second"), (30, "third")] == told(play)


def test_put_off_comes_later() -> None:
    """About the same there is one call, the newest."""

    async def play(deadlines: Deadlines, tell: Callable[[str], None]) -> None:
        deadlines.put("a", 10, tell, "old")
        await asyncio.sleep(9)
        deadlines.put("a", 10, tell, "new")
        await asyncio.sleep(100)

    assert [(19, "new")] == told(play)


@pytest.mark.parametrize("seconds", [0, -3.0])
def test_what_is_over_comes_at_once(seconds: float) -> None:
    """Before anything else has its turn, and nothing else about it comes any more."""

    async def play(deadlines: Deadlines, tell: Callable[[str], None]) -> None:
        deadlines.put("a", 10, tell, "old")
        deadlines.put("a", seconds, tell, "now")
        tell("after")
        await asyncio.sleep(100)

    assert [(0, "now"), (0, "after")] == told(play)


def test_call_may_put_the_next() -> None:
    """About the same or about something else."""

    async def play(deadlines: Deadlines, tell: Callable[[str], None]) -> None:
        def first() -> None:
            tell("first")
            deadlines.put("a", 5, tell, "again")
            deadlines.put("b", 5, tell, "put off")

        deadlines.put("a", 10, first)
        deadlines.put("b", 10, tell, "not yet")
        await asyncio.sleep(100)

    assert [(10, "first"), (15, "again"), (15, "put off")] == told(play)


def test_call_that_fails_leaves_the_others() -> None:
    """The loop is told of the failure, and goes on."""

    async def play(deadlines: Deadlines, tell: Callable[[str], None]) -> None:
        def fail() -> None:
            raise ValueError("a mistake")

        failures: list[str] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, told: failures.append(f"{told['exception']}")
        )
        deadlines.put("a", 10, fail)
        deadlines.put("b", 10, tell, "b")
        await asyncio.sleep(100)
        assert ["a mistake"] == failures

    assert [(10, "b")] == told(play)


def test_closed_calls_nothing() -> None:
    """Neither what was due nor what comes after."""

    async def play(deadlines: Deadlines, tell: Callable[[str], None]) -> None:
        deadlines.put("a", 10, tell, "a")
        deadlines.close()
        deadlines.put("b", 10, tell, "b")
        deadlines.put("c", 0, tell, "c")
        await asyncio.sleep(100)

    assert [] == told(play)


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 20).map(float), st.sampled_from("abc"), st.integers(1, 30).map(float)),
        max_size=12,
    )
)
@settings(max_examples=100)
def test_comes_as_with_a_timer_each(steps: Steps) -> None:
    """Many that are put off all the time come as if each had a timer of its own."""

    async def play(deadlines: Deadlines, tell: Callable[[str], None]) -> None:
        for number, (pause, about, seconds) in enumerate(steps):
            await asyncio.sleep(pause + 0.5)
            deadlines.put(about, seconds, tell, f"{number}")
        await asyncio.sleep(100)

    async def plainly(_: Deadlines, tell: Callable[[str], None]) -> None:
        timers: dict[str, asyncio.TimerHandle] = {}
        for number, (pause, about, seconds) in enumerate(steps):
            await asyncio.sleep(pause + 0.5)
            if about in timers:
                timers[about].cancel()
            timers[about] = asyncio.get_running_loop().call_later(seconds, tell, f"{number}")
        await asyncio.sleep(100)

    assert sorted(told(plainly)) == sorted(told(play))
