"""The listening side of TLS: clients are counted and timed from the moment that they are taken in."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from insights_exporter.web.connection import Connection, Door

_PAUSE = 1.0


class Arrival:
    """A client until its handshake is over."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def abort(self) -> None:
        """End it; the event loop finds the handshake cut off."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)


class TlsListener:
    """Takes in clients and shakes hands with them; stands where uvicorn has an `asyncio.Server`."""

    def __init__(
        self, listener: socket.socket, context: ssl.SSLContext, door: Door, speaker: Callable[[], Connection]
    ) -> None:
        listener.settimeout(0)
        self._listener = listener
        self._context = context
        self._door = door
        self._speaker = speaker
        self._greetings: set[asyncio.Task[None]] = set()
        self._taking_in = asyncio.create_task(self._take_in())

    def close(self) -> None:
        """Take nobody in any more, and shake no more hands."""
        for task in (self._taking_in, *self._greetings):
            task.cancel()
        self._listener.close()

    async def wait_closed(self) -> None:
        """Wait until nobody is between the socket and a connection."""
        await asyncio.gather(self._taking_in, *self._greetings, return_exceptions=True)

    async def _take_in(self) -> None:
        while True:
            try:
                client, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            except OSError:  # such as that no more files may be open
                await asyncio.sleep(_PAUSE)
                continue
            task = asyncio.create_task(self._greet(client))
            self._greetings.add(task)
            task.add_done_callback(self._greetings.discard)

    async def _greet(self, client: socket.socket) -> None:
        arrival = Arrival(client)

        def connection() -> Connection:
            made = self._speaker()
            made.instead_of = arrival
            return made

        self._door.waits(arrival)
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(
                connection,
                client,
                ssl=self._context,
                ssl_handshake_timeout=self._door.bounds.head_seconds,
            )
        except OSError:  # the client's fault, who was told as far as TLS allows
            client.close()
        finally:
            self._door.left(arrival)
