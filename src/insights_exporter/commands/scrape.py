"""`insights-exporter scrape`: poll once, and print the exposition."""

import os
from pathlib import Path

from insights_exporter.commands.backfill import warn_of_ids
from insights_exporter.commands.oneshot import exit_code, poll_once
from insights_exporter.commands.output import output_to
from insights_exporter.commands.serve import load_settings
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.page import build_page, build_response
from insights_exporter.exposition.process import ProcessMetrics
from insights_exporter.polling.manager import DeploymentManager
from insights_exporter.polling.publisher import PageStore


def scrape(config_file: Path | None, output: Path | None, format_: str) -> int:
    """Write one exposition to `output`, and return the exit status.

    Raises:
        NotUsable: The config cannot be used, or `output` cannot be written to.
    """

    async def look(board: PageStore, fleet: DeploymentManager) -> tuple[bytes, int]:
        _warn_of_ids(fleet)
        body = build_response(build_page(board.snapshot), ProcessMetrics(()), Format(format_), gzip=False)
        return b"".join(body.segments), exit_code(fleet.watches.values())

    loaded = load_settings(config_file, os.environ)
    write = output_to(output)
    page, status = poll_once(loaded.config, os.environ, look)
    write(page)
    return status


def _warn_of_ids(fleet: DeploymentManager) -> None:
    """Tell where templates were broken down whose names could not be had."""
    for name, watch in fleet.watches.items():
        broken_down = any(job.dataset.partial and job.poll.series for job in watch.jobs)
        if watch.unnamed and broken_down:
            warn_of_ids(name, watch.unnamed)
