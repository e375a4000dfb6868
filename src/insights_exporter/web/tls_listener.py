"""The listening side of TLS: clients are counted and timed from the moment that they are accepted."""

import asyncio
import contextlib
import errno
import math
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus

from insights_exporter.web.connection import Connection, parse_address
from insights_exporter.web.limits import ConnectionTracker
from insights_exporter.web.request import Refusal
from insights_exporter.web.response import Refuser

_PAUSE = 1.0
"""Seconds to wait when no connection can be accepted."""
_OF_ONE_CLIENT = {
    errno.ECONNABORTED,
    errno.EPROTO,
    errno.ENOPROTOOPT,
    errno.EOPNOTSUPP,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
}
"""Errors of `accept` about the client that was to be accepted; all others stay, and concern every client."""
_TLS_RECORD = (0x16, 0x80)
"""First bytes of a handshake: that of TLS, and that of SSL 2, which OpenSSL refuses with an alert."""
_PLAIN_HTTP = Refusal(HTTPStatus.BAD_REQUEST, "This port speaks HTTPS: begin the address with https://")


class _Handshake:
    """A client until its handshake is over."""

    accepted = None

    def __init__(self, client: socket.socket, address: object) -> None:
        self.remote_address = parse_address(address)
        self._client = client

    def abort(self) -> None:
        """Close at once; the event loop then ends the handshake."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)

    shutdown = abort

    def reading_rate(self) -> float:
        """Return infinity: nothing is sent yet."""
        return math.inf


class TlsListener:
    """Accepts clients and makes the handshake with them.

    `loop.create_server` would show a client only after its handshake, when it
    can be neither counted nor closed for a newer one.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        tracker: ConnectionTracker,
        connect: Callable[[], Connection],
        refuser: Refuser,
    ) -> None:
        listener.settimeout(0)
        self._listener = listener
        self._context = context
        self._tracker = tracker
        self._connect = connect
        self._refuser = refuser
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept())

    def close(self) -> None:
        """Accept no more clients, and end the handshakes."""
        for task in (self._accepting, *self._handshakes):
            task.cancel()
        self._listener.close()

    async def _accept(self) -> None:
        while True:
            try:
                client, address = await asyncio.get_running_loop().sock_accept(self._listener)
            except OSError as error:
                await asyncio.sleep(0 if error.errno in _OF_ONE_CLIENT else _PAUSE)
                continue
            task = asyncio.create_task(self._greet(client, address))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _greet(self, client: socket.socket, address: object) -> None:
        handshake, seconds = _Handshake(client, address), self._tracker.limits.head_seconds
        self._tracker.wait(handshake)
        try:
            client.settimeout(0)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(seconds):
                await _readable(client)
            if _speaks_tls(client.recv(1, socket.MSG_PEEK)):
                await self._shake_hands(client, handshake, seconds)
            else:
                self._refuse_plain_http(client)
        except OSError:  # the client's fault, or its departure; TLS has sent an alert if it could
            client.close()
        except BaseException:
            client.close()
            raise
        finally:
            self._tracker.forget(handshake)

    async def _shake_hands(self, client: socket.socket, handshake: _Handshake, seconds: float) -> None:
        def connection() -> Connection:
            made = self._connect()
            made.on_made = lambda: self._tracker.forget(handshake)
            return made

        await asyncio.get_running_loop().connect_accepted_socket(
            connection,
            client,
            ssl=self._context,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=self._tracker.limits.linger_seconds,
        )

    def _refuse_plain_http(self, client: socket.socket) -> None:
        client.recv(self._tracker.limits.head_bytes)  # what is left unread would reset the connection
        client.send(self._refuser.render(_PLAIN_HTTP))
        client.close()


def _speaks_tls(first_byte: bytes) -> bool:
    """Return whether a client speaks TLS, or has closed its side without a word."""
    return not first_byte or first_byte[0] in _TLS_RECORD


async def _readable(client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(client, _set, ready)
    try:
        await ready
    finally:
        loop.remove_reader(client)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
