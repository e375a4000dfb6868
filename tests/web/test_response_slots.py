"""Slots for responses, and the client that loses its slot."""

import asyncio
import math

import pytest

from insights_exporter.web.limits import SLOW, ResponseSlots
from tests.web.test_limits import Client


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        pytest.param([0.0, math.inf], [True, False], id="one reads nothing"),
        pytest.param([1000.0, 10.0], [False, True], id="both are slow"),
        pytest.param([SLOW, math.inf], [False, False], id="none is slow"),
    ],
)
def test_slowest_reader_loses_its_slot(rates: list[float], expected: list[bool]) -> None:
    """If all slots are used, the slowest client loses its slot, unless none is slow."""
    readers, newest = [Client(rate=rate) for rate in rates], Client()
    slots = ResponseSlots(len(readers))
    for reader in readers:
        slots.try_acquire(reader)

    taken = slots.try_acquire(newest)

    assert any(expected) == taken
    assert expected == [reader.aborted for reader in readers]


def test_released_slot_is_free() -> None:
    """A released slot is free once, even if its client had lost it before."""
    first, second, third = Client(rate=0.0), Client(), Client()
    slots = ResponseSlots(1)

    assert [True, True] == [slots.try_acquire(first), slots.try_acquire(second)]
    slots.release(first)
    assert not slots.try_acquire(third)
    slots.release(second)
    assert slots.try_acquire(third)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a pause."""
    monkeypatch.setattr("insights_exporter.web.limits._SLOT_INTERVAL", 0.0)


@pytest.mark.usefixtures("no_pauses")
async def test_no_slot_in_time() -> None:
    """Clients that read keep their slots, and one more gets none."""
    slots = ResponseSlots(1)

    assert [True, False] == [await slots.acquire(Client()) for _ in range(2)]


@pytest.mark.usefixtures("no_pauses")
async def test_released_slot_goes_to_one_waiting_client() -> None:
    """A released slot goes to the client that waits longest, and to no other."""
    slots, first = ResponseSlots(1), Client()
    slots.try_acquire(first)
    waiting = [asyncio.create_task(slots.acquire(Client())) for _ in range(2)]
    await asyncio.sleep(0)
    slots.release(first)

    assert [True, False] == await asyncio.gather(*waiting)


async def test_slot_of_a_client_that_becomes_slow() -> None:
    """A client that becomes slow loses its slot to one that waits."""
    slots, first = ResponseSlots(1), Client()
    slots.try_acquire(first)
    waiting = asyncio.create_task(slots.acquire(Client()))
    await asyncio.sleep(0)
    first.rate = 0.0

    assert await waiting
    assert first.aborted


async def test_slots_are_passed_in_order() -> None:
    """Clients get slots in the order of their arrival; a cancelled one gets none."""
    slots, readers = ResponseSlots(1), [Client() for _ in range(4)]
    slots.try_acquire(readers[0])
    cancelled, first, last = (asyncio.create_task(slots.acquire(reader)) for reader in readers[1:])
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    slots.release(readers[0])
    last_was_done = await asyncio.wait_for(first, 20) and last.done()
    slots.release(readers[2])

    assert (False, True) == (last_was_done, await last)


async def test_newest_client_waits_behind_others() -> None:
    """A released slot belongs to the waiting client even before its task resumes."""
    slots, first, newest = ResponseSlots(1), Client(), Client()
    slots.try_acquire(first)
    waiting = asyncio.create_task(slots.acquire(Client()))
    await asyncio.sleep(0)
    slots.release(first)
    newcomer = asyncio.create_task(slots.acquire(newest))

    assert [True, False] == [await waiting, await newcomer]


async def test_slot_of_a_cancelled_client() -> None:
    """The slot of a client that is cancelled as it gets it goes to the next one."""
    slots, readers = ResponseSlots(1), [Client() for _ in range(3)]
    slots.try_acquire(readers[0])
    cancelled, last = (asyncio.create_task(slots.acquire(reader)) for reader in readers[1:])
    await asyncio.sleep(0)
    slots.release(readers[0])
    cancelled.cancel()

    assert await last
    assert cancelled.cancelled()
