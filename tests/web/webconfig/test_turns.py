"""Turns at checking a login go round among clients."""

import asyncio

from insights_exporter.web.webconfig.auth import Turns


async def test_clients_take_turns() -> None:
    """Each client has its turn in rotation, however many turns one of them waits for."""
    turns, order = Turns(), list[str]()

    async def take(client: str) -> None:
        await turns.begin(client)
        order.append(client)
        turns.end()

    await turns.begin("first")
    tasks = [asyncio.create_task(take(client)) for client in "aaabbc"]
    await asyncio.sleep(0)
    waiting = (turns.waiting, turns.waiting_of("a"), turns.waiting_of("d"))
    turns.end()
    await asyncio.gather(*tasks)

    assert (6, 3, 0) == waiting
    assert list("abcaba") == order


async def test_turns_of_those_who_leave_are_passed_on() -> None:
    """A client that leaves while it waits, or just as its turn comes, lets the others go on."""
    turns = Turns()
    await turns.begin("first")
    early, late, last = (asyncio.create_task(turns.begin(client)) for client in "abc")
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.wait([early])
    turns.end()
    late.cancel()

    await last
    turns.end()
    await turns.begin("again")
    assert 0 == turns.waiting
