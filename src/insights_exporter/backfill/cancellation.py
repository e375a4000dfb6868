"""Work in a thread that ends soon when nobody waits for it any more."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")


class Cancelled(Exception):
    """The work was called off."""


class CancelToken:
    """What long work asks every now and then: whether it is still wanted."""

    def __init__(self) -> None:
        self._called_off = Event()

    def call_off(self) -> None:
        """Have the work end at its next look."""
        self._called_off.set()

    def look(self) -> None:
        """Go on; raises Halted once the work was called off."""
        self.pause(0)

    def pause(self, seconds: float) -> None:
        """Wait; raises Halted as soon as the work was called off."""
        if self._called_off.is_set() or (seconds and self._called_off.wait(seconds)):
            raise Cancelled


async def in_thread(work: Callable[[CancelToken], T]) -> T:
    """Do the work in a thread; when cancelled, call it off and wait for its end."""
    cancel_token = CancelToken()
    thread = asyncio.ensure_future(asyncio.to_thread(work, cancel_token))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        cancel_token.call_off()
        await asyncio.wait([thread])
        raise
