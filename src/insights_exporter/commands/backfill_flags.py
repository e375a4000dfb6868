"""The command line of `backfill`."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from insights_exporter.commands.flags import (
    ConfigFile,
    LogFormat,
    LogLevel,
    exit_status,
    start_logging,
    switch,
)

_DAY = ["%Y-%m-%d"]

Since = Annotated[
    datetime, typer.Option("--since", formats=_DAY, help="First day of the history.", metavar="YYYY-MM-DD")
]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--until",
        formats=_DAY,
        help="Day before which the history ends. Default: 3 h ago.",
        metavar="YYYY-MM-DD",
    ),
]
OnlyDeployments = Annotated[
    list[str] | None, typer.Option("--deployment", help="Only this deployment. Repeatable.", metavar="NAME")
]
More = Annotated[
    str, typer.Option("--include", help="More families: parameters, users, or both.", metavar="NAME[,NAME]")
]
Step = Annotated[str, typer.Option("--step", help="Time between two samples, below 5m.", metavar="DURATION")]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="Label to add to all series, such as job and instance. Repeatable.",
        metavar="NAME=VALUE",
    ),
]
Output = Annotated[Path, typer.Option("--output", help="Folder for the files.", metavar="FOLDER")]
Import = Annotated[
    bool,
    switch("--import", "Import each file with promtool, then remove it."),
]
Tsdb = Annotated[
    Path | None,
    typer.Option("--tsdb", help="Data folder of Prometheus, for --import.", metavar="FOLDER"),
]
RemoteWrite = Annotated[
    str | None,
    typer.Option("--remote-write", help="URL of a remote-write receiver for the samples.", metavar="URL"),
]
Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--remote-write-header",
        help="Header of remote-write requests; NAME=@FILE reads its value from a file. Repeatable.",
        metavar="NAME=VALUE",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        "--remote-write-ca-file",
        help="PEM file of the authorities to trust for remote write, instead of the system's.",
        metavar="FILE",
    ),
]
CertFile = Annotated[
    Path | None,
    typer.Option(
        "--remote-write-cert-file",
        help="PEM file of the client certificate for remote write.",
        metavar="FILE",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--remote-write-key-file", help="PEM file of its private key, not encrypted.", metavar="FILE"
    ),
]
Pace = Annotated[
    float | None,
    typer.Option(
        "--requests-per-minute",
        help="Pace of requests. Default: half of what Coder allows.",
        metavar="NUMBER",
        min=1,
    ),
]
Resume = Annotated[bool, switch("--resume", "Resume where the last run ended; the default.")]
DryRun = Annotated[bool, switch("--dry-run", "Request three days and estimate the whole run.")]


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
    remote_write_ca_file: CaFile = None,
    remote_write_cert_file: CertFile = None,
    remote_write_key_file: KeyFile = None,
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
    from insights_exporter.commands.output import folder_for_output

    with exit_status():
        certificates = (remote_write_ca_file, remote_write_cert_file, remote_write_key_file)
        options = Options(
            config_file=config_file,
            since=since.date(),
            until=until.date() if until else None,
            deployments=deployment or (),
            include=words.parse_include(include),
            step=words.parse_step(step),
            labels=words.parse_labels(label or ()),
            output=folder_for_output(output),
            tsdb=words.parse_tsdb(tsdb, wanted=import_),
            remote_write=words.parse_receiver(
                remote_write,
                words.parse_headers(remote_write_header or ()),
                words.parse_certificates(*certificates),
                os.environ,
            ),
            requests_per_minute=requests_per_minute,
            resume=resume,
            dry_run=dry_run,
        )
        raise typer.Exit(backfill(options))
