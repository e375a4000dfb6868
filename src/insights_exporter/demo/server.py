"""Serving an embedded Coder over real HTTP on this machine, from a thread of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from threading import Event, Thread

import uvicorn
from starlette.types import ASGIApp

from insights_exporter.demo.app import make_app, make_many
from insights_exporter.demo.coder import EmbeddedCoder

HOST = "127.0.0.1"
BACKLOG = 1024
SECONDS_TO_FINISH = 1
Servable = EmbeddedCoder | Mapping[str, EmbeddedCoder]
"""One server, or many by the first part of their path."""


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=SECONDS_TO_FINISH,
            )
        )
        self.listens = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def serve(coder: Servable, port: int = 0) -> Iterator[str]:
    """Serve on 127.0.0.1 while the context lasts; gives the URL, ready for requests.

    A port of 0 is any free one. Raises OSError when the port is taken.
    """
    server = _Server(make_app(coder) if isinstance(coder, EmbeddedCoder) else make_many(coder))
    with socket.create_server((HOST, port), backlog=BACKLOG) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        thread = Thread(target=server.run, args=([listener],), name="embedded Coder", daemon=True)
        thread.start()
        server.listens.wait()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


@asynccontextmanager
async def serving(coder: Servable, port: int = 0) -> AsyncIterator[str]:
    """Serve as `serve` does, for a caller whose event loop must not wait."""
    context = serve(coder, port)
    url = await asyncio.to_thread(context.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
