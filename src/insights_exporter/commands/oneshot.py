"""Polling everything once, for the commands that end by themselves."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import httpx
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from insights_exporter.commands.errors import Interrupted
from insights_exporter.config.models import Config
from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.polling.jobs import Job
from insights_exporter.polling.manager import DeploymentManager
from insights_exporter.polling.metrics import ALL_FAMILIES
from insights_exporter.polling.publisher import PageStore

EXIT_OK, EXIT_PARTIAL, EXIT_ERROR = 0, 1, 2


def exit_code(watches: Iterable[DeploymentPoller]) -> int:
    """Give 0 where all came that the servers have, 1 where some did not, 2 where one gave nothing of it.

    What a server does not have never counts, even where that is everything.
    """
    return max((_of(watch.jobs) for watch in watches), default=EXIT_ERROR)


def _of(jobs: Sequence[Job]) -> int:
    had = [job.poll for job in jobs if job.requests.unavailable is None]
    failed = any(poll.failure for poll in had)
    came = any(poll.success for poll in had)
    return (EXIT_PARTIAL if came else EXIT_ERROR) if failed or not jobs else EXIT_OK


@contextmanager
def progress(what: str, total: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """Show on standard error how much of `total` is done; yield what is called for each part.

    `total` is computed again for each part, since a response can lead to further requests.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    quiet = sys.stderr is None or not sys.stderr.isatty()
    done = 0
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task(what, total=total())

        def advance() -> None:
            nonlocal done
            done += 1
            if not quiet:
                bar.update(task, completed=done, total=max(total(), done))

        yield advance


T = TypeVar("T")


def poll_once(
    config: Config,
    environ: Mapping[str, str],
    look: Callable[[PageStore, DeploymentManager], Awaitable[T]],
    attend: Callable[[DeploymentManager], None] = lambda _: None,
) -> T:
    """Poll all deployments once, and give what `look` makes of it while they are still known.

    `attend` is called before the first request. The progress is shown on
    standard error if that is a terminal.

    Raises:
        Interrupted: SIGTERM or SIGINT came first.
    """

    async def work() -> T:
        _end_on_sigterm()
        board = PageStore(ALL_FAMILIES)
        fleet = DeploymentManager(board, environ)
        await fleet.apply(config)
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


async def _poll(fleet: DeploymentManager) -> None:
    watches = fleet.watches.values()
    with progress("Requests to Coder", lambda: sum(watch.planned_requests for watch in watches)) as advance:

        async def count(_: httpx.Response) -> None:
            advance()

        for watch in watches:
            watch.exchange.add_response_hook(count)
        await asyncio.gather(*(watch.once() for watch in watches))
