"""`insights-exporter scrape`: poll once, and print the exposition."""

import os
from pathlib import Path

from insights_exporter.commands.backfill import warn_of_ids
from insights_exporter.commands.oneshot import polled_once, verdict
from insights_exporter.commands.output import output_to
from insights_exporter.commands.serve import load_settings
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.page import assemble, compose
from insights_exporter.exposition.process import Tail
from insights_exporter.polling.manager import Fleet
from insights_exporter.polling.publisher import Board


def scrape(config_file: Path | None, output: Path | None, form: str) -> int:
    """Write one exposition to `output`, and return the exit status.

    Raises:
        NotUsable: The config cannot be used, or `output` cannot be written to.
    """

    async def look(board: Board, fleet: Fleet) -> tuple[bytes, int]:
        _warn_of_ids(fleet)
        body = compose(assemble(board.snapshot), Tail(()), Format(form), gzip=False)
        return b"".join(body.segments), verdict(fleet.watches.values())

    loaded = load_settings(config_file, os.environ)
    write = output_to(output)
    page, status = polled_once(loaded.settings, os.environ, look)
    write(page)
    return status


def _warn_of_ids(fleet: Fleet) -> None:
    """Tell where templates were broken down whose names could not be had."""
    for name, watch in fleet.watches.items():
        broken_down = any(job.dataset.partial and job.poll.series for job in watch.jobs)
        if watch.unnamed and broken_down:
            warn_of_ids(name, watch.unnamed)
