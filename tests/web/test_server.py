"""The server returns memory to the system after many connections."""

import asyncio
from dataclasses import replace

import pytest

from tests.integration.waiting import eventually_async
from tests.web.server import GENEROUS, Address, is_served, serving

LIMITS = replace(GENEROUS, memory_seconds=0.02)


async def connect(address: Address, number: int) -> None:
    """Keep this many connections open until another one gets its response."""
    writers = [(await asyncio.open_connection(*address))[1] for _ in range(number)]
    await is_served(address)
    for writer in writers:
        writer.close()


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param((40,), 1, id="many"),
        pytest.param((3, 40, 3), 1, id="many and few"),
        pytest.param((3, 4), 0, id="few"),
    ],
)
async def test_memory_is_returned_after_many_connections(
    numbers: tuple[int, ...], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is returned after many connections have ended, and only then."""
    returned: list[bool] = []
    monkeypatch.setattr("insights_exporter.web.server.trim_heap", lambda: returned.append(True))
    async with serving(LIMITS) as (server, address):
        for number in numbers:
            await connect(address, number)
            await eventually_async(lambda: not server.tracker.connections)
            await eventually_async(lambda: server.tracker.peak < 32)
        await eventually_async(lambda: len(returned) >= expected)

    assert expected == len(returned)
