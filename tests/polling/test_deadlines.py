"""What is due comes at its time, once, and not where it was put off."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_exporter.polling.expiry import ExpiryTimers
from tests.polling.watching import on_fast_clock

Told = list[tuple[float, str]]
Play = Callable[[ExpiryTimers[str]], Coroutine[None, None, None]]


def told(play: Play, also: Callable[[ExpiryTimers[str], str], None] = lambda _, __: None) -> Told:
    """Give what came when, in seconds from the beginning; `also` happens as it comes."""
    came: Told = []

    async def scenario() -> Told:
        loop = asyncio.get_running_loop()
        started = loop.time()

        def call(thing: str) -> None:
            came.append((round(loop.time() - started, 2), thing))
            also(deadlines, thing)

        deadlines = ExpiryTimers(call)
        await play(deadlines)
        await asyncio.sleep(100)
        return came

    return on_fast_clock(scenario)


def test_each_comes_at_its_time() -> None:
    """Whatever the order in which they were put."""

    async def play(deadlines: ExpiryTimers[str]) -> None:
        deadlines.put("second", 20)
        deadlines.put("third", 30)
        deadlines.put("first", 10)

    assert [(10, "first"), (20, "second"), (30, "third")] == told(play)


def test_put_off_comes_later() -> None:
    """It comes once, at the newest time; the others are not put off with it."""

    async def play(deadlines: ExpiryTimers[str]) -> None:
        deadlines.put("put off", 10)
        deadlines.put("not put off", 15)
        await asyncio.sleep(9)
        deadlines.put("put off", 10)

    assert [(15, "not put off"), (19, "put off")] == told(play)


@pytest.mark.parametrize("seconds", [0, -3.0])
def test_what_is_over_comes_at_once(seconds: float) -> None:
    """And no more when it was to come before."""
    so_far: list[str] = []

    async def play(deadlines: ExpiryTimers[str]) -> None:
        deadlines.put("a", 10)
        deadlines.put("a", seconds)
        assert ["a"] == so_far

    assert [(0, "a")] == told(play, lambda _, thing: so_far.append(thing))


def test_what_comes_may_put_off() -> None:
    """Itself, or what is due with it."""

    async def play(deadlines: ExpiryTimers[str]) -> None:
        deadlines.put("first", 10)
        deadlines.put("second", 10)

    def put_off(deadlines: ExpiryTimers[str], thing: str) -> None:
        if thing == "first":
            deadlines.put("second", 5)
            deadlines.put("again", 7)

    assert [(10, "first"), (15, "second"), (17, "again")] == told(play, put_off)


def test_failure_leaves_the_others() -> None:
    """The loop is told of it, and goes on."""
    failures: list[str] = []

    async def play(deadlines: ExpiryTimers[str]) -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: failures.append(f"{context['exception']}")
        )
        deadlines.put("a", 10)
        deadlines.put("b", 10)

    def fail(_: ExpiryTimers[str], thing: str) -> None:
        if thing == "a":
            raise ValueError("a mistake")

    assert [(10, "a"), (10, "b")] == told(play, fail)
    assert ["a mistake"] == failures


def test_closed_calls_nothing() -> None:
    """Neither for what was due nor for what comes after."""

    async def play(deadlines: ExpiryTimers[str]) -> None:
        deadlines.put("a", 10)
        deadlines.close()
        deadlines.put("b", 10)
        deadlines.put("c", 0)

    assert [] == told(play)


@given(steps=st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc"), st.integers(1, 30)), max_size=12))
@settings(max_examples=100)
def test_comes_as_with_a_timer_each(steps: Sequence[tuple[int, str, int]]) -> None:
    """Things that are put off again and again come as if each had a timer of its own."""

    async def play(deadlines: ExpiryTimers[str]) -> None:
        for pause, thing, seconds in steps:
            await asyncio.sleep(pause + 0.5)
            deadlines.put(thing, seconds + 0.25)

    expected: Told = []
    latest: dict[str, float] = {}
    now = 0.0
    for pause, thing, seconds in steps:
        now += pause + 0.5
        expected += [(when, each) for each, when in latest.items() if when < now]
        latest = {each: when for each, when in latest.items() if when >= now} | {thing: now + seconds + 0.25}
    expected += [(when, each) for each, when in latest.items()]

    assert sorted(expected) == sorted(told(play))
