"""`insights-exporter scrape`: poll once, and print the exposition."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from insights_exporter.commands.errors import NotUsable
from insights_exporter.commands.once import polled_once
from insights_exporter.commands.serve import load_settings
from insights_exporter.commands.template_names import warn_of_ids
from insights_exporter.commands.verdict import verdict
from insights_exporter.exposition.body import compose
from insights_exporter.exposition.formats import Format
from insights_exporter.exposition.page import assemble
from insights_exporter.exposition.tail import Tail
from insights_exporter.polling.board import Board
from insights_exporter.polling.fleet import Fleet

_READABLE = 0o644


def scrape(config_file: Path | None, output: Path | None, form: str) -> int:
    """Write one exposition to `output`, or to standard output, and give the exit status.

    Raises:
        NotUsable: the settings cannot be used, or the file cannot be written.
    """

    async def look(board: Board, fleet: Fleet) -> tuple[bytes, int]:
        _warn_of_ids(fleet)
        body = compose(assemble(board.snapshot), Tail(()), Format(form), gzip=False)
        return b"".join(body.segments), verdict(fleet.watches.values())

    loaded = load_settings(config_file, os.environ)
    page, status = polled_once(loaded.settings, os.environ, look)
    if output is None:
        write_all(sys.stdout.buffer.write, page)
        sys.stdout.flush()
    else:
        _write(output, page)
    return status


def _warn_of_ids(fleet: Fleet) -> None:
    """Tell where templates were broken down whose names could not be had."""
    for name, watch in fleet.watches.items():
        broken_down = any(job.dataset.partial and job.poll.series for job in watch.jobs)
        if watch.facts.unnamed and broken_down:
            warn_of_ids(name, watch.facts.unnamed)


def write_all(write: Callable[[memoryview], int], page: bytes) -> None:
    """Write a page by `write`, which may take a part at a time, as unbuffered streams do."""
    left = memoryview(page)
    while left:
        left = left[write(left) :]


def _write(path: Path, page: bytes) -> None:
    """Put the file in place whole: who reads it meanwhile sees the old one."""
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                _fill(file, page)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        said = f"--output: {path} cannot be written: {error.strerror}"
        raise NotUsable(f"{said}; name a file in a folder that you may write to") from None


def _fill(file: IO[bytes], page: bytes) -> None:
    file.write(page)
    file.flush()
    os.fchmod(file.fileno(), _READABLE)
    os.fsync(file.fileno())
