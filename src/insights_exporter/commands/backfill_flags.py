"""The command line of `backfill`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from insights_exporter.commands.flags import ConfigFile, LogFormat, LogLevel, exit_status, start_logging

_DAY = ["%Y-%m-%d"]

Since = Annotated[datetime, typer.Option("--since", formats=_DAY, help="First day of the history.")]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=_DAY, help="Day before which it ends; else 3 h ago.")
]
OnlyDeployments = Annotated[
    list[str] | None, typer.Option("--deployment", help="This deployment alone (repeatable).")
]
More = Annotated[str, typer.Option("--include", help="More families: parameters, users, or both.")]
Step = Annotated[str, typer.Option("--step", help="Time between two samples, below 5m.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="name=value to add, as job and instance (repeatable).")
]
Output = Annotated[Path, typer.Option("--output", help="Folder for the files.")]
Import = Annotated[bool, typer.Option("--import", help="Import each file with promtool, then remove it.")]
Tsdb = Annotated[Path | None, typer.Option("--tsdb", help="Data folder of Prometheus, for --import.")]
RemoteWrite = Annotated[str | None, typer.Option("--remote-write", help="URL to send the samples to.")]
Headers = Annotated[
    list[str] | None,
    typer.Option("--remote-write-header", help="Name=value or Name=@FILE to send along (repeatable)."),
]
Pace = Annotated[
    float | None, typer.Option("--requests-per-minute", help="Else half of what Coder allows.", min=1)
]
Resume = Annotated[bool, typer.Option("--resume/--no-resume", help="Go on where the last run ended.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Ask for one day, and say what all would take.")]


def backfill_command(
    *,
    since: Since,
    until: Until = None,
    deployment: OnlyDeployments = None,
    include: More = "",
    step: Step = "4m45s",
    label: Labels = None,
    output: Output = Path("insights-history"),
    import_: Import = False,
    tsdb: Tsdb = None,
    remote_write: RemoteWrite = None,
    remote_write_header: Headers = None,
    requests_per_minute: Pace = None,
    resume: Resume = True,
    dry_run: DryRun = False,
    config_file: ConfigFile = None,
    log_level: LogLevel = "info",
    log_format: LogFormat = "logfmt",
) -> None:
    """Write Coder's history as OpenMetrics for promtool, or bring it into Prometheus."""
    start_logging(log_level, log_format)
    from insights_exporter.commands import backfill_words as words
    from insights_exporter.commands.backfill import Options, backfill

    with exit_status():
        options = Options(
            config_file=config_file,
            since=since.date(),
            until=until.date() if until else None,
            deployments=deployment or (),
            include=words.parse_include(include),
            step=words.parse_step(step),
            labels=words.parse_labels(label or ()),
            output=output,
            tsdb=words.parse_tsdb(tsdb, wanted=import_),
            remote_write=words.parse_receiver(remote_write),
            remote_write_headers=words.parse_headers(remote_write_header or ()),
            requests_per_minute=requests_per_minute,
            resume=resume,
            dry_run=dry_run,
        )
        raise typer.Exit(backfill(options))
