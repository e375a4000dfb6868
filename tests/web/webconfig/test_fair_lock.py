"""The lock passes from client to client."""

import asyncio

from insights_exporter.web.webconfig.auth import FairLock


async def test_clients_take_turns() -> None:
    """Waiting clients get the lock in rotation, however often one of them waits."""
    lock, order = FairLock(), list[str]()

    async def take(client: str) -> None:
        await lock.acquire(client)
        order.append(client)
        lock.release()

    await lock.acquire("first")
    tasks = [asyncio.create_task(take(client)) for client in "aaabbc"]
    await asyncio.sleep(0)
    waiting = (lock.waiting, lock.waiting_for("a"), lock.waiting_for("d"))
    lock.release()
    await asyncio.gather(*tasks)

    assert (6, 3, 0) == waiting
    assert list("abcaba") == order


async def test_cancelled_waiters() -> None:
    """A waiter that is cancelled, even just as it gets the lock, does not block the others."""
    lock = FairLock()
    await lock.acquire("first")
    early, late, last = (asyncio.create_task(lock.acquire(client)) for client in "abc")
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.wait([early])
    lock.release()
    late.cancel()

    await last
    lock.release()
    await lock.acquire("again")
    assert 0 == lock.waiting
