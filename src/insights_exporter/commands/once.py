"""Polling everything once, for the commands that end by themselves."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from insights_exporter.commands.families import PAGE_FAMILIES
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
    """

    async def work() -> T:
        board = Board(PAGE_FAMILIES)
        fleet = Fleet(board, environ)
        await fleet.apply(settings)
        attend(fleet)
        try:
            await _poll(fleet)
            return await look(board, fleet)
        finally:
            await fleet.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


async def _poll(fleet: Fleet) -> None:
    watches = fleet.watches.values()
    with _progress() as progress:
        task = progress.add_task("Asking Coder", total=sum(len(watch.jobs) for watch in watches))
        await asyncio.gather(*(watch.once(lambda: progress.advance(task)) for watch in watches))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
