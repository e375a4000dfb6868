"""Flags that several commands share, and those of `backfill`."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from insights_exporter.commands.errors import CommandError, Interrupted
from insights_exporter.config.errors import ConfigError

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""The words of Go's strconv.ParseBool, which kingpin reads switches with."""


class Command(TyperCommand):
    """A command whose flags are read as above."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 -- its type is private to typer
        """Read `args` into `ctx`."""
        return super().parse_args(ctx, _checked(self, ctx, args))


class Group(TyperGroup):
    """A command with commands below it, whose own flags are read as above."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 -- its type is private to typer
        """Read `args` into `ctx`."""
        return super().parse_args(ctx, _checked(self, ctx, args))


def _checked(command: TyperCommand | TyperGroup, context: typer.Context, args: Sequence[str]) -> list[str]:
    """Return `args` with plain switches; raises BadParameter if a flag that may stand once is repeated."""
    options = [each for each in command.get_params(context) if isinstance(each, TyperOption)]
    plain = list(_plain_switches(options, args))
    if not context.resilient_parsing:
        _, _, order = command.make_parser(context).parse_args(args=list(plain))
        _refuse_repeated(options, order, context)
    return plain


def _plain_switches(options: Sequence[TyperOption], args: Sequence[str]) -> Iterator[str]:
    """Replace `--switch=true` by `--switch`, and `--switch=false` by `--no-switch`; raises BadParameter."""
    switches = {option.opts[0]: option.secondary_opts[0] for option in options if option.secondary_opts}
    for arg in args:
        name, sign, value = arg.partition("=")
        if name in switches and value in _TRUE:
            yield name
        elif name in switches and value in _FALSE:
            yield switches[name]
        elif name in switches and sign:
            raise typer.BadParameter(f"{value!r} is neither true nor false", param_hint=name)
        else:
            yield arg


def _refuse_repeated(options: Sequence[TyperOption], order: Sequence[object], context: typer.Context) -> None:
    given = Counter(id(each) for each in order)
    for option in options:
        if given[id(option)] > 1 and not option.multiple:
            raise typer.BadParameter("may be given only once", context, param_hint=option.opts[0])


INTERRUPTED, NOT_USABLE = 1, 2
DEFAULT_ADDRESS = ":12112"


def flag(name: str, help_text: str, **more: Any) -> Any:  # noqa: ANN401 -- as typer.Option has it
    """Declare a flag that an environment variable of its name may set too."""
    return typer.Option(name, help=help_text, envvar=_variable(name), show_envvar=False, **more)


def switch(name: str, help_text: str, *, environment: bool = False) -> Any:  # noqa: ANN401 -- as above
    """Declare a flag that is on or off, in kingpin's spellings; `environment` lets a variable set it too."""
    spellings = f"{name}/--no-{name.removeprefix('--')}"
    variable = _variable(name) if environment else None
    return typer.Option(spellings, help=help_text, envvar=variable, show_envvar=False, show_default=False)


def _variable(name: str) -> str:
    return "INSIGHTS_EXPORTER_" + name.removeprefix("--").replace(".", "_").replace("-", "_").upper()


ConfigFile = Annotated[
    Path | None,
    flag(
        "--config.file",
        "Config file (YAML). Without it, CODER_URL and CODER_SESSION_TOKEN are read.",
        metavar="FILE",
    ),
]
WebConfigFile = Annotated[
    Path | None,
    flag(
        "--web.config.file",
        "Web config file of exporter-toolkit (YAML): TLS, users and headers of the exporter's own server.",
        metavar="FILE",
    ),
]
LogLevel = Annotated[
    Literal["debug", "info", "warn", "warning", "error"],
    flag("--log.level", "Only log messages with the given severity or above."),
]
LogFormat = Annotated[Literal["logfmt", "json"], flag("--log.format", "Format of log messages.")]
Addresses = Annotated[
    list[str] | None,
    flag(
        "--web.listen-address",
        f"Address to listen on; :PORT is all interfaces. Repeatable. Default: {DEFAULT_ADDRESS}.",
        metavar="HOST:PORT",
    ),
]


ExternalUrl = Annotated[
    str | None,
    flag(
        "--web.external-url",
        "URL under which the exporter is reachable, for example through a reverse proxy.",
        metavar="URL",
    ),
]
RoutePrefix = Annotated[
    str | None,
    flag(
        "--web.route-prefix",
        "Prefix of the paths of all endpoints. Default: the path of --web.external-url.",
        metavar="PATH",
    ),
]


def listen_addresses(given: list[str] | None) -> tuple[str, ...]:
    """Return the addresses to listen on."""
    return tuple(given or (DEFAULT_ADDRESS,))


def refuse_two_kinds_of_listeners(addresses: list[str] | None, *, systemd_socket: bool) -> None:
    """Refuse addresses along with systemd's sockets; raises NotUsable."""
    if addresses and systemd_socket:
        what = "is mutually exclusive with --web.listen-address; keep one of them"
        raise CommandError(f"--web.systemd-socket: {what}")


def find_route_prefix(external_url: str | None, route_prefix: str | None) -> str:
    """Return the prefix of all paths, empty for none.

    Raises:
        NotUsable: One of the flags cannot be used.
    """
    from insights_exporter.web.prefix import external_path, normalize_prefix

    try:
        path = external_path(external_url) if external_url else ""
    except ValueError as error:
        raise CommandError(f"--web.external-url: {error}") from None
    try:
        return normalize_prefix(path if route_prefix is None else route_prefix)
    except ValueError as error:
        place = "--web.external-url" if route_prefix is None else "--web.route-prefix"
        raise CommandError(f"{place}: {error}") from None


def start_logging(level: LogLevel, format_: LogFormat) -> None:
    """Start logging at a level, of which `warn` is another name of `warning`."""
    from insights_exporter.log import configure

    configure("warning" if level == "warn" else level, format_)


@contextmanager
def exit_status() -> Iterator[None]:
    """End with status 2 and one line per problem if a command cannot run as configured."""
    try:
        yield
    except (CommandError, ConfigError, OSError) as problem:
        typer.echo(f"insights-exporter: {problem}", err=True)
        raise typer.Exit(NOT_USABLE) from None
    except Interrupted:
        typer.echo("insights-exporter: interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


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
    from insights_exporter.commands import backfill_options as words
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
