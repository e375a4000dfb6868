"""The command line: which commands there are and which flags they take.

What a command needs is imported when it runs, so that `--help` is quick.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from insights_exporter import __version__
from insights_exporter.commands.flags import (
    Addresses,
    Command,
    ConfigFile,
    ExternalUrl,
    Group,
    LogFormat,
    LogLevel,
    RoutePrefix,
    WebConfigFile,
    backfill_command,
    exit_status,
    find_route_prefix,
    flag,
    listen_addresses,
    refuse_two_kinds_of_listeners,
    start_logging,
    switch,
)

_STANDARD_ERROR = 2

app = typer.Typer(
    cls=Group,
    help="The Prometheus exporter for Coder's Insights API. Without a command it serves.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    _fill_closed_streams()
    app(prog_name="insights-exporter")


def _fill_closed_streams() -> None:
    """Open the null device where a standard stream is closed, so that no socket takes its place."""
    while (descriptor := os.open(os.devnull, os.O_RDONLY)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)


@app.callback(invoke_without_command=True)
def _serve(
    context: typer.Context,
    *,
    config_file: ConfigFile = None,
    config_check: Annotated[bool, switch("--config.check", "Validate the config and exit.")] = False,
    listen_address: Addresses = None,
    systemd_socket: Annotated[
        bool,
        switch(
            "--web.systemd-socket",
            "Listen on the sockets that systemd passes, not on addresses.",
            environment=True,
        ),
    ] = False,
    web_config_file: WebConfigFile = None,
    telemetry_path: Annotated[
        str, flag("--web.telemetry-path", "Path of the metrics.", metavar="PATH")
    ] = "/metrics",
    external_url: ExternalUrl = None,
    route_prefix: RoutePrefix = None,
    enable_lifecycle: Annotated[
        bool, switch("--web.enable-lifecycle", "Enable reloading by POST /-/reload.", environment=True)
    ] = False,
    max_requests: Annotated[
        int,
        flag("--web.max-requests", "Maximum number of concurrent scrapes.", metavar="NUMBER", min=1),
    ] = 40,
    shard: Annotated[
        str,
        flag(
            "--shard", "Number of this shard, from 0, or auto for a StatefulSet's ordinal.", metavar="NUMBER"
        ),
    ] = "0",
    total_shards: Annotated[int, flag("--total-shards", "Number of shards.", metavar="NUMBER", min=1)] = 1,
    log_level: LogLevel = "info",
    log_format: LogFormat = "logfmt",
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"insights-exporter {__version__}")
    elif context.invoked_subcommand:
        _refuse_stray_flags(context)
    else:
        start_logging(log_level, log_format)
        from insights_exporter.commands.serve import Options, check, serve

        with exit_status():
            refuse_two_kinds_of_listeners(listen_address, systemd_socket=systemd_socket)
            options = Options(
                config_file=config_file,
                listen_addresses=listen_addresses(listen_address),
                systemd_socket=systemd_socket,
                web_config_file=web_config_file,
                telemetry_path=telemetry_path,
                route_prefix=find_route_prefix(external_url, route_prefix),
                enable_lifecycle=enable_lifecycle,
                max_requests=max_requests,
                shard=shard,
                total_shards=total_shards,
            )
            (check if config_check else serve)(options)


def _refuse_stray_flags(context: typer.Context) -> None:
    """Refuse flags before a command, which would be without effect there."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source and source.name == "COMMANDLINE":
            told = f"write it after the command: {context.invoked_subcommand} {parameter.opts[0]}"
            raise typer.BadParameter(told, context, param_hint=parameter.opts[0])


@app.command("demo", cls=Command)
def _demo(
    *,
    users: Annotated[
        int, typer.Option("--users", help="Number of users in the sample data.", metavar="NUMBER", min=1)
    ] = 200,
    templates: Annotated[
        int, typer.Option("--templates", help="Number of templates.", metavar="NUMBER", min=1)
    ] = 8,
    seed: Annotated[
        int, typer.Option("--seed", help="Seed of the sample data; each makes other data.", metavar="NUMBER")
    ] = 1,
    rules: Annotated[
        Literal["real", "published"], typer.Option("--rules", help="Behave like Coder, or like its API page.")
    ] = "real",
    server_version: Annotated[
        str,
        typer.Option(
            "--server-version",
            metavar="VERSION",
            help="Version of Coder to behave like: 2023, 2024, 2025, 2026, 2026-session-apps, 2026-bounded "
            "or next.",
        ),
    ] = "2026-bounded",
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME[=/PATH]",
            help="Fault of the embedded Coder, everywhere or at a path such as /insights/daus. Repeatable; "
            "an unknown name is answered with the known ones.",
        ),
    ] = None,
    prometheus: Annotated[
        bool,
        switch("--prometheus", "Start the installed Prometheus and let it scrape the demo."),
    ] = False,
    listen_address: Addresses = None,
    web_config_file: WebConfigFile = None,
    log_level: LogLevel = "warning",
    log_format: LogFormat = "logfmt",
) -> None:
    """Serve the metrics of sample data, from an embedded Coder."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.demo import Company, demo

    with exit_status():
        company = Company(users, templates, seed, rules, server_version, tuple(faults or ()))
        demo(company, listen_addresses(listen_address), web_config_file, prometheus=prometheus)


@app.command("check", cls=Command)
def _check(
    *,
    config_file: ConfigFile = None,
    output: Annotated[
        Literal["table", "json"], typer.Option("--output", help="Table for users, JSON for scripts.")
    ] = "table",
    log_level: LogLevel = "error",
    log_format: LogFormat = "logfmt",
) -> None:
    """Report what the token may read in each deployment, and how to fix what it may not."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.check import check

    with exit_status():
        raise typer.Exit(check(config_file, output))


@app.command("scrape", cls=Command)
def _scrape(
    *,
    config_file: ConfigFile = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", help="File, FIFO or device to write to; - is standard output.", metavar="FILE"
        ),
    ] = None,
    format_: Annotated[
        Literal["text", "openmetrics"], typer.Option("--format", help="Format of the exposition.")
    ] = "text",
    log_level: LogLevel = "warning",
    log_format: LogFormat = "logfmt",
) -> None:
    """Poll everything once and print the exposition, for a textfile collector or a look."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.scrape import scrape

    with exit_status():
        raise typer.Exit(scrape(config_file, output, format_))


@app.command("health", cls=Command)
def _health(
    *,
    ready: Annotated[bool, switch("--ready", "Succeed only once every job was tried.")] = False,
    listen_address: Addresses = None,
    web_config_file: WebConfigFile = None,
    external_url: ExternalUrl = None,
    route_prefix: RoutePrefix = None,
) -> None:
    """Check whether a running exporter is healthy, on each of its addresses."""
    from insights_exporter.commands.health import health

    with exit_status():
        prefix = find_route_prefix(external_url, route_prefix)
        healthy = all(
            health(each, web_config_file, ready=ready, prefix=prefix)
            for each in listen_addresses(listen_address)
        )
        raise typer.Exit(0 if healthy else 1)


app.command("backfill", cls=Command)(backfill_command)

config = typer.Typer(
    cls=Group, help="Write, describe and show the config.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(config, name="config")


@config.command("init", cls=Command)
def _config_init() -> None:
    """Print a commented example of the config file."""
    from insights_exporter.config.loader import example

    typer.echo(example(), nl=False)


@config.command("schema", cls=Command)
def _config_schema() -> None:
    """Print the JSON Schema of the config file, for editors."""
    from insights_exporter.config.schema import json_schema
    from insights_exporter.datasets.registry import DATASETS

    typer.echo(json.dumps(json_schema(DATASETS), indent=2))


@config.command("show", cls=Command)
def _config_show(
    *, config_file: ConfigFile = None, log_level: LogLevel = "warning", log_format: LogFormat = "logfmt"
) -> None:
    """Print the effective config and its sources, without secrets."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.serve import load_settings
    from insights_exporter.config.dump import dump_config

    with exit_status():
        typer.echo(dump_config(load_settings(config_file, os.environ)), nl=False)
