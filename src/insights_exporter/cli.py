"""The command line: every command with its flags.

What a command needs is imported when it runs, so that `--help` is quick.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from insights_exporter import __version__
from insights_exporter.commands.errors import (
    CommandError,
    defer_signals,
    exit_on_error,
    prepare_standard_streams,
    report_os_errors,
)
from insights_exporter.commands.flags import (
    DEFAULT_ADDRESS,
    Command,
    CommandGroup,
    ConfigFileFlag,
    ExternalUrlFlag,
    ListenAddressesFlag,
    LogFormatFlag,
    LogLevelFlag,
    RoutePrefixFlag,
    WebConfigFileFlag,
    find_route_prefix,
    flag,
    option,
    start_logging,
    switch,
)

_DAY: Mapping[str, Any] = {"metavar": "YYYY-MM-DD", "formats": ["%Y-%m-%d"]}

app = typer.Typer(
    cls=CommandGroup,
    help="The Prometheus exporter for Coder's Insights API. Without a command, it serves metrics.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    prepare_standard_streams()
    with report_os_errors():
        app(prog_name="insights-exporter")


@app.callback(invoke_without_command=True)
def _serve(
    context: typer.Context,
    *,
    config_file: ConfigFileFlag = None,
    config_check: Annotated[bool, switch("--config.check", "Validate the config and exit.")] = False,
    listen_address: ListenAddressesFlag = None,
    systemd_socket: Annotated[
        bool,
        switch(
            "--web.systemd-socket",
            "Listen on sockets passed by systemd instead of addresses.",
            environment=True,
        ),
    ] = False,
    web_config_file: WebConfigFileFlag = None,
    telemetry_path: Annotated[
        str, flag("--web.telemetry-path", "Path under which to expose metrics.", "PATH")
    ] = "/metrics",
    external_url: ExternalUrlFlag = None,
    route_prefix: RoutePrefixFlag = None,
    enable_lifecycle: Annotated[
        bool, switch("--web.enable-lifecycle", "Enable config reload by POST /-/reload.", environment=True)
    ] = False,
    max_requests: Annotated[
        int, flag("--web.max-requests", "Maximum number of concurrent scrapes.", "NUMBER", min=1)
    ] = 40,
    shard: Annotated[
        str,
        flag("--shard", "Index of this shard, from 0, or auto for the ordinal of a StatefulSet.", "NUMBER"),
    ] = "0",
    total_shards: Annotated[int, flag("--total-shards", "Number of shards.", "NUMBER", min=1)] = 1,
    log_level: LogLevelFlag = "info",
    log_format: LogFormatFlag = "logfmt",
    version: Annotated[bool, option("--version", "Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"insights-exporter {__version__}")
        raise typer.Exit
    if context.invoked_subcommand:
        _refuse_stray_flags(context)
    else:
        with defer_signals(), exit_on_error():
            from insights_exporter.runtime import hide_modules

            with hide_modules("click", "greenlet", "rich"):  # 6 MB
                start_logging(log_level, log_format)
                from insights_exporter.commands.serve import ServeOptions, check_config, serve
                from insights_exporter.datasets.registry import DATASETS

            if listen_address and systemd_socket:
                what = "is mutually exclusive with --web.listen-address; keep one of them"
                raise CommandError(f"--web.systemd-socket: {what}")
            options = ServeOptions(
                config_file=config_file,
                listen_addresses=listen_address or (DEFAULT_ADDRESS,),
                systemd_socket=systemd_socket,
                web_config_file=web_config_file,
                telemetry_path=telemetry_path,
                route_prefix=find_route_prefix(external_url, route_prefix),
                enable_lifecycle=enable_lifecycle,
                max_requests=max_requests,
                shard=shard,
                total_shards=total_shards,
            )
            (check_config if config_check else serve)(options, DATASETS)


def _refuse_stray_flags(context: typer.Context) -> None:
    """Refuse flags before a command, where they would have no effect."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source and source.name == "COMMANDLINE":
            command, name = context.invoked_subcommand, parameter.opts[0]
            remedy = f"write it after the command: {command} {name}, if `{command} -h` lists it"
            raise typer.BadParameter(remedy, context, param_hint=name)


@app.command("demo", cls=Command)
def _demo(
    *,
    users: Annotated[int, option("--users", "Number of users in the sample data.", "NUMBER", min=1)] = 200,
    templates: Annotated[int, option("--templates", "Number of templates.", "NUMBER", min=1)] = 8,
    seed: Annotated[int, option("--seed", "Seed of the sample data.", "NUMBER")] = 1,
    rules: Annotated[
        Literal["real", "published"], option("--rules", "Behave like Coder, or like its API documentation.")
    ] = "real",
    server_version: Annotated[
        str,
        option(
            "--server-version",
            "Version of Coder to simulate: 2023, 2024, 2025, 2026, 2026-session-apps, 2026-bounded or next.",
            "VERSION",
        ),
    ] = "2026-bounded",
    faults: Annotated[
        list[str] | None,
        option(
            "--fault",
            "Fault to simulate, such as 401, slow or grace-period, on all paths or on one such as "
            "/insights/daus. Repeatable. --fault=list prints all faults and exits.",
            "NAME[=/PATH]",
        ),
    ] = None,
    prometheus: Annotated[
        bool, switch("--prometheus", "Start the installed Prometheus, which scrapes the demo.")
    ] = False,
    listen_address: ListenAddressesFlag = None,
    log_level: LogLevelFlag = "warning",
    log_format: LogFormatFlag = "logfmt",
) -> None:
    """Serve sample data from an embedded Coder."""
    with defer_signals(), exit_on_error():
        start_logging(log_level, log_format)
        from insights_exporter.commands.demo import SampleData, run_demo
        from insights_exporter.datasets.registry import DATASETS

        data = SampleData(users, templates, seed, rules, server_version, tuple(faults or ()))
        run_demo(data, listen_address or (DEFAULT_ADDRESS,), DATASETS, prometheus=prometheus)


@app.command("check", cls=Command)
def _check(
    *,
    config_file: ConfigFileFlag = None,
    output: Annotated[Literal["table", "json"], option("--output", "Output format.")] = "table",
    log_level: LogLevelFlag = "error",
    log_format: LogFormatFlag = "logfmt",
) -> None:
    """Report what each token may read.

    Reports for each deployment which datasets the token may read, how to fix
    the others, and what the datasets need that the config does not enable.
    Exit status: 0 = everything readable, 1 = datasets denied, failed or
    switched off in Coder, 2 = no response from a deployment, or invalid config.
    """
    start_logging(log_level, log_format)
    from insights_exporter.commands.check import check
    from insights_exporter.datasets.registry import DATASETS

    with exit_on_error():
        raise typer.Exit(check(config_file, output, DATASETS))


@app.command("scrape", cls=Command)
def _scrape(
    *,
    config_file: ConfigFileFlag = None,
    output: Annotated[
        Path | None, option("--output", "File, FIFO or device to write to; - is standard output.", "FILE")
    ] = None,
    format_: Annotated[
        Literal["text", "openmetrics"], option("--format", "Format of the exposition.")
    ] = "text",
    log_level: LogLevelFlag = "warning",
    log_format: LogFormatFlag = "logfmt",
) -> None:
    """Poll once and print the metrics.

    For a textfile collector, or to see the metrics. Exit status: 0 =
    everything polled, 1 = some datasets denied or failed, 2 = no data or
    invalid config.
    """
    start_logging(log_level, log_format)
    from insights_exporter.commands.scrape import scrape
    from insights_exporter.datasets.registry import DATASETS

    with exit_on_error():
        raise typer.Exit(scrape(config_file, output, format_, DATASETS))


@app.command("health", cls=Command)
def _health(
    *,
    ready: Annotated[bool, switch("--ready", "Check /-/ready instead of /-/healthy.")] = False,
    listen_address: ListenAddressesFlag = None,
    web_config_file: WebConfigFileFlag = None,
    external_url: ExternalUrlFlag = None,
    route_prefix: RoutePrefixFlag = None,
) -> None:
    """Check whether an exporter is healthy.

    Sends a request to each listen address. Exit status: 0 = healthy, 1 = not healthy,
    2 = invalid flags.
    """
    from insights_exporter.commands.health import check_health

    with exit_on_error():
        prefix = find_route_prefix(external_url, route_prefix)
        healthy = all(
            check_health(each, web_config_file, ready=ready, prefix=prefix)
            for each in listen_address or (DEFAULT_ADDRESS,)
        )
        raise typer.Exit(0 if healthy else 1)


@app.command("backfill", cls=Command)
def _backfill(
    *,
    since: Annotated[datetime, option("--since", "First day of the history.", **_DAY)],
    until: Annotated[
        datetime | None,
        option("--until", "End of the history, excluding this day. Default: 3 hours ago.", **_DAY),
    ] = None,
    deployment: Annotated[
        list[str] | None, option("--deployment", "Deployment to import. Default: all. Repeatable.", "NAME")
    ] = None,
    include: Annotated[
        str, option("--include", "Additional families: parameters, users, or both.", "NAME[,NAME]")
    ] = "",
    step: Annotated[str, option("--step", "Interval between samples, below 5m.", "DURATION")] = "4m45s",
    label: Annotated[
        list[str] | None,
        option("--label", "Label to add to all series, such as job and instance. Repeatable.", "NAME=VALUE"),
    ] = None,
    output: Annotated[Path, option("--output", "Folder for the files.", "FOLDER")] = Path("insights-history"),
    import_: Annotated[bool, switch("--import", "Import each file with promtool, then remove it.")] = False,
    tsdb: Annotated[
        Path | None, option("--tsdb", "Data folder of Prometheus, for --import.", "FOLDER")
    ] = None,
    remote_write: Annotated[
        str | None, option("--remote-write", "URL of a remote-write receiver for the samples.", "URL")
    ] = None,
    remote_write_header: Annotated[
        list[str] | None,
        option(
            "--remote-write-header",
            "Header of remote-write requests; NAME=@FILE reads its value from a file. Repeatable.",
            "NAME=VALUE",
        ),
    ] = None,
    remote_write_ca_file: Annotated[
        Path | None,
        option(
            "--remote-write-ca-file",
            "PEM file of the authorities to trust for remote write, instead of the system's.",
            "FILE",
        ),
    ] = None,
    remote_write_cert_file: Annotated[
        Path | None,
        option("--remote-write-cert-file", "PEM file of the client certificate for remote write.", "FILE"),
    ] = None,
    remote_write_key_file: Annotated[
        Path | None, option("--remote-write-key-file", "PEM file of its private key, not encrypted.", "FILE")
    ] = None,
    requests_per_minute: Annotated[
        float | None,
        option(
            "--requests-per-minute",
            "Maximum number of requests per minute. Default: half of Coder's rate limit, or the value of the "
            "config if that is higher.",
            "NUMBER",
            min=1,
        ),
    ] = None,
    resume: Annotated[bool, switch("--resume", "Resume where the last run ended (default).")] = True,
    dry_run: Annotated[bool, switch("--dry-run", "Request only three days to estimate the run.")] = False,
    config_file: ConfigFileFlag = None,
    log_level: LogLevelFlag = "info",
    log_format: LogFormatFlag = "logfmt",
) -> None:
    """Import Coder's history into Prometheus.

    Writes OpenMetrics files for promtool, imports them, or sends them by
    remote write. Exit status: 0 = complete, 1 = stopped, run again to
    continue, 2 = invalid config.
    """
    start_logging(log_level, log_format)
    from insights_exporter.commands import backfill_options as parsing
    from insights_exporter.commands.backfill import backfill
    from insights_exporter.commands.output import check_output_folder
    from insights_exporter.datasets.registry import DATASETS, list_data_families

    with exit_on_error():
        receiver = parsing.parse_receiver(
            remote_write,
            parsing.parse_headers(remote_write_header or ()),
            parsing.parse_certificates(remote_write_ca_file, remote_write_cert_file, remote_write_key_file),
            os.environ,
        )
        options = parsing.BackfillOptions(
            config_file=config_file,
            since=parsing.check_since(since.date()),
            until=until.date() if until else None,
            deployments=deployment or (),
            include=parsing.parse_include(include),
            step=parsing.parse_step(step),
            labels=parsing.parse_labels(label or (), list_data_families(DATASETS)),
            output=check_output_folder(output),
            tsdb=parsing.parse_tsdb(tsdb, wanted=import_),
            receiver=receiver,
            requests_per_minute=requests_per_minute,
            resume=resume,
            dry_run=dry_run,
        )
        raise typer.Exit(backfill(options, DATASETS))


config = typer.Typer(
    cls=CommandGroup, help="Create and show the config.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(config, name="config")


@config.command("init", cls=Command)
def _config_init() -> None:
    """Print a commented example of the config file."""
    from insights_exporter.config.loader import read_example

    typer.echo(read_example(), nl=False)


@config.command("schema", cls=Command)
def _config_schema() -> None:
    """Print the JSON Schema of the config file, for editors."""
    from insights_exporter.config.schema import build_json_schema
    from insights_exporter.datasets.registry import DATASETS

    typer.echo(json.dumps(build_json_schema(DATASETS), indent=2))


@config.command("show", cls=Command)
def _config_show(
    *,
    config_file: ConfigFileFlag = None,
    log_level: LogLevelFlag = "warning",
    log_format: LogFormatFlag = "logfmt",
) -> None:
    """Print the effective config and its sources, without secrets."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.serve import load_and_warn
    from insights_exporter.config.dump import dump_config
    from insights_exporter.datasets.registry import DATASETS

    with exit_on_error():
        typer.echo(dump_config(load_and_warn(config_file, DATASETS)), nl=False)
