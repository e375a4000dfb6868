"""Which client gives way when all places are taken."""

import asyncio
import math
from dataclasses import dataclass

import pytest

from insights_exporter.web.limits import SLOW, ResponseSlots


@dataclass(eq=False)
class Reading:
    """A client that reads at a rate."""

    rate: float
    aborted: bool = False

    def reading_rate(self) -> float:
        """Return the rate."""
        return self.rate

    def abort(self) -> None:
        """Record that the connection was closed."""
        self.aborted = True


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        pytest.param([0.0, math.inf], [True, False], id="one reads nothing"),
        pytest.param([1000.0, 10.0], [False, True], id="both are slow"),
        pytest.param([SLOW, math.inf], [False, False], id="none is slow"),
    ],
)
def test_slowest_reader_gives_way(rates: list[float], expected: list[bool]) -> None:
    """When all places are taken, the slowest reader loses its place if it is slow at all."""
    readers, newest = [Reading(rate) for rate in rates], Reading(math.inf)
    slots = ResponseSlots(len(readers))
    for reader in readers:
        slots.try_acquire(reader)

    taken = slots.try_acquire(newest)

    assert any(expected) == taken
    assert expected == [reader.aborted for reader in readers]


def test_place_is_free_again() -> None:
    """A place that is left can be taken, and one that was taken away is not left twice."""
    first, second, third = Reading(0), Reading(math.inf), Reading(math.inf)
    slots = ResponseSlots(1)

    assert [True, True] == [slots.try_acquire(first), slots.try_acquire(second)]
    slots.release(first)
    assert not slots.try_acquire(third)
    slots.release(second)
    assert slots.try_acquire(third)


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr("insights_exporter.web.limits._SLOT_INTERVAL", 0.0)


@pytest.mark.usefixtures("short_pauses")
async def test_no_place_is_free_in_time() -> None:
    """Readers that read keep their places, and one more gets none."""
    slots = ResponseSlots(1)

    assert [True, False] == [await slots.acquire(Reading(math.inf)) for _ in range(2)]


async def test_place_that_is_left_meanwhile() -> None:
    """It goes to the one that waits for it."""
    slots, first = ResponseSlots(1), Reading(math.inf)
    slots.try_acquire(first)
    waiting = asyncio.create_task(slots.acquire(Reading(math.inf)))
    await asyncio.sleep(0)
    slots.release(first)

    assert await waiting


async def test_reader_that_turns_out_slow_meanwhile() -> None:
    """It gives way to the one that waits."""
    slots, first = ResponseSlots(1), Reading(math.inf)
    slots.try_acquire(first)
    waiting = asyncio.create_task(slots.acquire(Reading(math.inf)))
    await asyncio.sleep(0)
    first.rate = 0.0

    assert await waiting
    assert first.aborted


async def test_places_are_given_in_order() -> None:
    """One that waits gets the next place, before any that comes later, and one that left gets none."""
    slots, readers = ResponseSlots(1), [Reading(math.inf) for _ in range(4)]
    slots.try_acquire(readers[0])
    gone, first, last = (asyncio.create_task(slots.acquire(reader)) for reader in readers[1:])
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    slots.release(readers[0])
    last_was_done = await asyncio.wait_for(first, 20) and last.done()
    slots.release(readers[2])

    assert (False, True) == (last_was_done, await last)


async def test_newcomer_waits_behind_others() -> None:
    """A place that is free again belongs to the one that waits, even before its task goes on."""
    slots, first, newest = ResponseSlots(1), Reading(math.inf), Reading(math.inf)
    slots.try_acquire(first)
    waiting = asyncio.create_task(slots.acquire(Reading(math.inf)))
    await asyncio.sleep(0)
    slots.release(first)
    newcomer = asyncio.create_task(slots.acquire(newest))

    assert [True, False] == [await waiting, await newcomer]


async def test_place_of_one_that_leaves_as_it_gets_it() -> None:
    """It goes to the next one."""
    slots, readers = ResponseSlots(1), [Reading(math.inf) for _ in range(3)]
    slots.try_acquire(readers[0])
    gone, last = (asyncio.create_task(slots.acquire(reader)) for reader in readers[1:])
    await asyncio.sleep(0)
    slots.release(readers[0])
    gone.cancel()

    assert await last
    assert gone.cancelled()
