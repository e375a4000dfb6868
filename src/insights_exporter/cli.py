"""The command line: which commands there are and which flags they take.

What a command needs is imported when it runs, so that `--help` is quick.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from insights_exporter import __version__
from insights_exporter.commands.backfill_flags import backfill_command
from insights_exporter.commands.flags import (
    DEFAULT_ADDRESS,
    Address,
    ConfigFile,
    LogFormat,
    LogLevel,
    WebConfigFile,
    exit_status,
    flag,
    start_logging,
)

app = typer.Typer(
    help="The Prometheus exporter for Coder's Insights API. Without a command it serves.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    app(prog_name="insights-exporter")


@app.callback(invoke_without_command=True)
def _serve(
    context: typer.Context,
    *,
    config_file: ConfigFile = None,
    config_check: Annotated[bool, typer.Option("--config.check", help="Check the settings and end.")] = False,
    listen_address: Address = DEFAULT_ADDRESS,
    web_config_file: WebConfigFile = None,
    telemetry_path: Annotated[str, flag("--web.telemetry-path", "Path of the metrics.")] = "/metrics",
    enable_lifecycle: Annotated[bool, flag("--web.enable-lifecycle", "Allow POST /-/reload.")] = False,
    max_requests: Annotated[int, flag("--web.max-requests", "Scrapes at once.", min=1)] = 40,
    shard: Annotated[str, flag("--shard", "Number of this shard from 0, or auto.")] = "0",
    total_shards: Annotated[int, flag("--total-shards", "How many shards there are.", min=1)] = 1,
    log_level: LogLevel = "info",
    log_format: LogFormat = "logfmt",
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"insights-exporter {__version__}")
    elif context.invoked_subcommand:
        _refuse_stray_flags(context)
    else:
        start_logging(log_level, log_format)
        from insights_exporter.commands.serve import Options, check, serve

        with exit_status():
            options = Options(
                config_file=config_file,
                listen_address=listen_address,
                web_config_file=web_config_file,
                telemetry_path=telemetry_path,
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


@app.command("demo")
def _demo(
    *,
    users: Annotated[int, typer.Option("--users", help="People in the made-up company.", min=1)] = 200,
    templates: Annotated[int, typer.Option("--templates", help="Templates they may choose.", min=1)] = 8,
    seed: Annotated[int, typer.Option("--seed", help="Another number, another company.")] = 1,
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
    ] = "2026",
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME[=/PATH]",
            help="What is wrong with the Coder inside, everywhere or at a path such as /insights/daus; "
            "may be repeated, and a name that does not exist is answered with those that do.",
        ),
    ] = None,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Start the Prometheus that is installed, and scrape.")
    ] = False,
    listen_address: Address = DEFAULT_ADDRESS,
    web_config_file: WebConfigFile = None,
    log_level: LogLevel = "warning",
    log_format: LogFormat = "logfmt",
) -> None:
    """Serve the metrics of a made-up company, from a Coder inside."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.demo import Company, demo

    with exit_status():
        company = Company(users, templates, seed, rules, server_version, tuple(faults or ()))
        demo(company, listen_address, web_config_file, prometheus=prometheus)


@app.command("check")
def _check(
    *,
    config_file: ConfigFile = None,
    output: Annotated[
        Literal["table", "json"], typer.Option("--output", help="For people or scripts.")
    ] = "table",
    log_level: LogLevel = "error",
    log_format: LogFormat = "logfmt",
) -> None:
    """Ask each deployment what the token may do, and say how to mend what it may not."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.check import check

    with exit_status():
        raise typer.Exit(check(config_file, output))


@app.command("scrape")
def _scrape(
    *,
    config_file: ConfigFile = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="File, FIFO or device to write to; - is standard output.")
    ] = None,
    form: Annotated[
        Literal["text", "openmetrics"], typer.Option("--format", help="Of the exposition.")
    ] = "text",
    log_level: LogLevel = "warning",
    log_format: LogFormat = "logfmt",
) -> None:
    """Poll everything once and print the exposition, for a textfile collector or a look."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.scrape import scrape

    with exit_status():
        raise typer.Exit(scrape(config_file, output, form))


@app.command("health")
def _health(
    *,
    ready: Annotated[bool, typer.Option("--ready", help="Ask if everything was asked for once.")] = False,
    listen_address: Address = DEFAULT_ADDRESS,
    web_config_file: WebConfigFile = None,
) -> None:
    """Ask a running exporter whether it is healthy."""
    from insights_exporter.commands.health import health

    with exit_status():
        raise typer.Exit(0 if health(listen_address, web_config_file, ready=ready) else 1)


app.command("backfill")(backfill_command)

config = typer.Typer(
    help="Write, describe and show the settings.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(config, name="config")


@config.command("init")
def _config_init() -> None:
    """Print a commented example of the settings file."""
    from insights_exporter.config.example import example

    typer.echo(example(), nl=False)


@config.command("schema")
def _config_schema() -> None:
    """Print the JSON Schema of the settings file, for editors."""
    from insights_exporter.config.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@config.command("show")
def _config_show(
    *, config_file: ConfigFile = None, log_level: LogLevel = "warning", log_format: LogFormat = "logfmt"
) -> None:
    """Print the settings that count, who set them, and no secrets."""
    start_logging(log_level, log_format)
    from insights_exporter.commands.serve import load_settings
    from insights_exporter.config.showing import show

    with exit_status():
        typer.echo(show(load_settings(config_file, os.environ)), nl=False)
