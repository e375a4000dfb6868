"""Progress on a terminal, and nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


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
