"""What check, scrape and backfill share: deployments, signals, progress, one poll, exit status, warnings."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import httpx
import structlog
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from insights_exporter.coder.errors import ApiError
from insights_exporter.commands.errors import EXIT_ERROR, EXIT_OK, EXIT_PARTIAL, Interrupted
from insights_exporter.config.models import Config
from insights_exporter.datasets.base import Dataset
from insights_exporter.polling.deployment import DeploymentPoller
from insights_exporter.polling.manager import DeploymentManager
from insights_exporter.polling.publisher import PageStore
from insights_exporter.polling.status import list_exposed_families

T = TypeVar("T")


def run_interruptible(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine, and return its result.

    Raises:
        Interrupted: SIGINT came first, or SIGTERM while deployments are open.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Interrupted from None


@asynccontextmanager
async def open_deployments(
    config: Config, datasets: Mapping[str, Dataset]
) -> AsyncIterator[tuple[PageStore, DeploymentManager]]:
    """Yield the deployments of a config, which are not polled yet, and where they publish."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    pages = PageStore(list_exposed_families(datasets))
    manager = DeploymentManager(pages, os.environ, datasets)
    try:
        await manager.apply(config)
        yield pages, manager
    finally:
        await manager.close()


async def poll_once(pollers: Collection[DeploymentPoller]) -> None:
    """Poll deployments once, and show the progress on standard error if that is a terminal."""
    with show_progress(
        "Requests to Coder", lambda: sum(each.planned_requests for each in pollers)
    ) as advance:

        async def count(_: httpx.Response) -> None:
            advance()

        for poller in pollers:
            poller.coder.add_response_hook(count)
        await asyncio.gather(*(poller.poll_once() for poller in pollers))


@contextmanager
def show_progress(description: str, total: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """Show on standard error how much of `total` is done; yield the function to call after each part.

    `total` is computed again for each part, since a response can lead to further requests.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    quiet = sys.stderr is None or not sys.stderr.isatty()
    done = 0
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task(description, total=total())

        def advance() -> None:
            nonlocal done
            done += 1
            if not quiet:
                bar.update(task, completed=done, total=max(total(), done))

        yield advance


def compute_exit_code(pollers: Iterable[DeploymentPoller]) -> int:
    """Return 0 if all polls succeeded, 1 if some failed, 2 if a deployment has no data at all.

    Datasets that a server does not have do not count, even if that is all of them.
    """
    return max(map(_compute_deployment_exit_code, pollers), default=EXIT_ERROR)


def _compute_deployment_exit_code(poller: DeploymentPoller) -> int:
    polls = [job.status for job in poller.jobs if job.request_stats.unavailable is None]
    if poller.jobs and not any(poll.failure for poll in polls):
        return EXIT_OK
    return EXIT_PARTIAL if any(poll.success for poll in polls) else EXIT_ERROR


def warn_of_unnamed_templates(deployment: str, failure: ApiError) -> None:
    """Log that templates have no names because the list of templates is missing, and why."""
    structlog.get_logger("insights_exporter").warning(
        "template names unknown: ids are used instead, and unused templates are omitted",
        deployment=deployment,
        err=str(failure),
        remedy=failure.remedy,
    )
