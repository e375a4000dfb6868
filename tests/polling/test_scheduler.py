"""The schedule: a first run at once, then aligned runs, one at a time per job."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from insights_exporter.polling.scheduler import Scheduler, compute_offset
from tests.polling.polled_deployment import START, run_on_fast_clock
from tests.support.fast_clock import FastLoop

JOB = "dev/daus/"
NEARLY = timedelta(milliseconds=1)
"""How exactly a job is on time on a clock of floats."""


def runs(every: float, hours: float, work: Callable[[], Awaitable[None]] | None = None) -> list[datetime]:
    """Return the times at which a job starts."""
    started: list[datetime] = []

    async def run() -> None:
        started.append(datetime.now(UTC))
        if work:
            await work()

    async def scenario() -> None:
        schedule = Scheduler()
        schedule.start()
        schedule.add(JOB, run, every)
        await asyncio.sleep(hours * 3600)
        schedule.stop()

    run_on_fast_clock(scenario)
    return started


@pytest.mark.parametrize("minutes", [5, 7, 15, 60])
def test_first_run_is_at_once_and_later_ones_aligned(minutes: int) -> None:
    """A job runs when it is added, then at each multiple of its interval plus its offset."""
    every = timedelta(minutes=minutes)
    first, *later = runs(every.total_seconds(), 6)
    midnight = datetime.fromtimestamp(0, UTC) + compute_offset(JOB)
    late = [(run - midnight + NEARLY) % every for run in later]

    assert START == first
    assert [] == [each for each in late if each > 2 * NEARLY]
    assert [] == [pair for pair in pairwise(later) if abs(pair[1] - pair[0] - every) > NEARLY]


def test_short_intervals_just_repeat() -> None:
    """Intervals below the rollup are not aligned."""
    assert [START + timedelta(seconds=100 * run) for run in range(37)] == runs(100, 1.001)


def test_no_job_runs_twice_at_once() -> None:
    """A run that takes longer than the interval delays the next one; missed runs are skipped."""
    at_once: list[int] = []

    async def slow() -> None:
        at_once.append(1)
        await asyncio.sleep(800)
        at_once.append(-1)

    started = runs(300, 2, slow)

    assert {1, -1} == set(at_once)
    assert {0, 1} == {sum(at_once[:count]) for count in range(len(at_once) + 1)}
    assert 7 <= len(started) <= 9


def test_job_that_fails_runs_again() -> None:
    """An error ends a run, not the job."""

    async def fail() -> None:
        raise ValueError("unexpected")

    assert 13 == len(runs(300, 1, fail))


def test_advance_runs_within_two_minutes() -> None:
    """An advanced job runs within two minutes, and one that is due sooner keeps its time."""

    async def scenario() -> tuple[list[float], float]:
        schedule, started = Scheduler(), list[float]()
        start = asyncio.get_running_loop().time()

        async def run() -> None:
            started.append(asyncio.get_running_loop().time() - start)

        schedule.start()
        schedule.add(JOB, run, 3600)
        await asyncio.sleep(1)
        schedule.advance(JOB)
        schedule.advance(JOB)
        schedule.advance("dev/unknown/")
        await asyncio.sleep(200)
        schedule.stop()
        return started, compute_offset(JOB).total_seconds()

    started, offset = run_on_fast_clock(scenario)

    assert [0.0, 1 + offset] == pytest.approx(started, abs=0.001)


def test_first_run_can_be_delayed() -> None:
    """A job that starts later is still aligned afterwards."""

    async def scenario() -> list[float]:
        schedule, started = Scheduler(), list[float]()
        start = asyncio.get_running_loop().time()

        async def run() -> None:
            started.append(asyncio.get_running_loop().time() - start)

        schedule.start()
        schedule.add(JOB, run, 1, after=10)
        await asyncio.sleep(12.5)
        schedule.stop()
        return started

    assert [10.0, 11.0, 12.0] == pytest.approx(run_on_fast_clock(scenario), abs=0.001)


def test_removed_job_runs_no_more() -> None:
    """A removed job does not run, and removing an unknown job is no error."""

    async def scenario() -> int:
        schedule, count = Scheduler(), list[int]()

        async def run() -> None:
            count.append(1)

        schedule.start()
        schedule.add(JOB, run, 300)
        await asyncio.sleep(1)
        schedule.remove(JOB)
        schedule.remove(JOB)
        await asyncio.sleep(3600)
        schedule.stop()
        schedule.stop()
        schedule.remove(JOB)
        return len(count)

    assert 1 == run_on_fast_clock(scenario)


@pytest.mark.parametrize("step", [timedelta(days=-400), timedelta(hours=-2), timedelta(hours=2)], ids=str)
def test_clock_that_is_set(step: timedelta) -> None:
    """If the system clock is set, runs continue at their interval and are aligned again."""

    async def scenario() -> tuple[list[float], list[datetime]]:
        schedule, started, times = Scheduler(), list[float](), list[datetime]()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, FastLoop)

        async def run() -> None:
            started.append(loop.time())
            times.append(datetime.now(UTC))

        schedule.start()
        schedule.add(JOB, run, 300)
        await asyncio.sleep(1000)
        loop.step_wall_clock(step)
        await asyncio.sleep(3600)
        schedule.stop()
        return started, times

    started, times = run_on_fast_clock(scenario)
    midnight = datetime.fromtimestamp(0, UTC) + compute_offset(JOB)

    assert 600 >= max(after - before for before, after in pairwise([*started, 4600.0]))
    assert 2 * NEARLY > (times[-1] - midnight + NEARLY) % timedelta(minutes=5)


def test_nothing_runs_without_a_start() -> None:
    """Commands that poll once have deployments whose schedule is not started."""

    async def scenario() -> int:
        schedule, count = Scheduler(), list[int]()

        async def run() -> None:
            count.append(1)

        schedule.add(JOB, run, 300)
        await asyncio.sleep(3600)
        schedule.stop()
        return len(count)

    assert 0 == run_on_fast_clock(scenario)
