"""`insights-exporter scrape`: poll once, and print the exposition."""

from collections.abc import Mapping
from pathlib import Path

from insights_exporter.commands.oneshot import (
    compute_exit_code,
    open_deployments,
    poll_once,
    run_interruptible,
    warn_of_unnamed_templates,
)
from insights_exporter.commands.output import open_output
from insights_exporter.commands.serve import load_and_warn
from insights_exporter.datasets.base import Dataset
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.page import build_response
from insights_exporter.exposition.process import ProcessMetrics


def scrape(
    config_file: Path | None, output: Path | None, format_: str, datasets: Mapping[str, Dataset]
) -> int:
    """Write one exposition to `output`, and return the exit status.

    Raises:
        ConfigError, CommandError: The config is invalid, or `output` cannot be written to.
    """
    config = load_and_warn(config_file, datasets).config
    write = open_output(output)

    async def poll() -> tuple[bytes, int]:
        async with open_deployments(config, datasets) as (pages, manager):
            await poll_once(manager.pollers.values())
            for name, poller in manager.pollers.items():
                has_breakdown = any(job.dataset.depends_on and job.status.series for job in poller.jobs)
                if poller.template_list_failure and has_breakdown:
                    warn_of_unnamed_templates(name, poller.template_list_failure)
            pages.refresh()
            response = build_response(pages.page, ProcessMetrics(()), Format(format_), gzip=False)
            return b"".join(response.segments), compute_exit_code(manager.pollers.values())

    exposition, status = run_interruptible(poll())
    write(exposition)
    return status
