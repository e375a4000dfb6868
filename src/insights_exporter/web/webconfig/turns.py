"""Turns at work that is done one piece at a time, shared out evenly among clients."""

import asyncio
from collections import OrderedDict, deque


class Turns:
    """One turn at a time; clients that wait get theirs in rotation, however often each of them waits."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._taken = False

    @property
    def waiting(self) -> int:
        """Return how many turns are waited for."""
        return sum(map(len, self._queues.values()))

    def waiting_of(self, client: str) -> int:
        """Return how many turns a client waits for."""
        return len(self._queues.get(client, ()))

    async def begin(self, client: str) -> None:
        """Wait for a turn of the client; `end` must be called after it."""
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(client, turn)
            raise

    def end(self) -> None:
        """Let the next client go on."""
        while self._queues:
            client, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[client] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False

    def _leave(self, client: str, turn: asyncio.Future[None]) -> None:
        if not turn.cancelled():  # the turn came at the same moment
            self.end()
            return
        queue = self._queues.get(client, deque())
        if turn in queue:
            queue.remove(turn)
        if not queue:
            self._queues.pop(client, None)
