"""Polling everything once, for the commands that end by themselves."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import httpx
import uvloop

from insights_exporter.commands.errors import Interrupted
from insights_exporter.commands.families import PAGE_FAMILIES
from insights_exporter.commands.progress import progress
from insights_exporter.config.settings import Settings
from insights_exporter.polling.board import Board
from insights_exporter.polling.fleet import Fleet

T = TypeVar("T")


def polled_once(
    settings: Settings,
    environ: Mapping[str, str],
    look: Callable[[Board, Fleet], Awaitable[T]],
    attend: Callable[[Fleet], None] = lambda _: None,
) -> T:
    """Poll all deployments once, and give what `look` makes of it while they are still known.

    `attend` is called before the first request. The progress is shown on
    standard error if that is a terminal.

    Raises:
        Interrupted: SIGTERM or SIGINT came first.
    """

    async def work() -> T:
        _end_on_sigterm()
        board = Board(PAGE_FAMILIES)
        fleet = Fleet(board, environ)
        await fleet.apply(settings)
        attend(fleet)
        try:
            await _poll(fleet)
            return await look(board, fleet)
        finally:
            await fleet.close()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Interrupted from None


def _end_on_sigterm() -> None:
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _poll(fleet: Fleet) -> None:
    watches = fleet.watches.values()
    with progress("Requests to Coder", lambda: sum(watch.planned_requests for watch in watches)) as advance:

        async def count(_: httpx.Response) -> None:
            advance()

        for watch in watches:
            watch.exchange.add_response_hook(count)
        await asyncio.gather(*(watch.once() for watch in watches))
