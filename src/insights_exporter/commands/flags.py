"""Flags that several commands share, and how flags are parsed: spelled as kingpin does, each once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from insights_exporter.commands.errors import CommandError

DEFAULT_ADDRESS = ":12112"


def option(name: str, help_text: str, metavar: str | None = None, **more: Any) -> Any:  # noqa: ANN401 -- as in typer
    """Declare a flag."""
    return typer.Option(name, help=help_text, metavar=metavar, **more)


def flag(name: str, help_text: str, metavar: str | None = None, **more: Any) -> Any:  # noqa: ANN401 -- as above
    """Declare a flag that an environment variable of its name may set too."""
    return option(name, help_text, metavar, envvar=_name_variable(name), show_envvar=False, **more)


def switch(name: str, help_text: str, *, environment: bool = False) -> Any:  # noqa: ANN401 -- as above
    """Declare a flag that is on or off; with `environment` a variable may set it too."""
    spellings = f"{name}/--no-{name.removeprefix('--')}"
    variable = _name_variable(name) if environment else None
    return typer.Option(spellings, help=help_text, envvar=variable, show_envvar=False, show_default=False)


def _name_variable(flag_name: str) -> str:
    return "INSIGHTS_EXPORTER_" + flag_name.removeprefix("--").replace(".", "_").replace("-", "_").upper()


ConfigFileFlag = Annotated[
    Path | None,
    flag(
        "--config.file", "Config file (YAML). Without it, CODER_URL and CODER_SESSION_TOKEN are read.", "FILE"
    ),
]
WebConfigFileFlag = Annotated[
    Path | None,
    flag(
        "--web.config.file",
        "Web config file of exporter-toolkit (YAML): TLS, users and headers of the exporter's own server.",
        "FILE",
    ),
]
LogLevelFlag = Annotated[
    Literal["debug", "info", "warn", "warning", "error"],
    flag("--log.level", "Only log messages with the given severity or above."),
]
LogFormatFlag = Annotated[Literal["logfmt", "json"], flag("--log.format", "Format of log messages.")]
ListenAddressesFlag = Annotated[
    list[str] | None,
    flag(
        "--web.listen-address",
        "Address to listen on; :PORT listens on all interfaces. "
        f"Repeatable; separated by spaces in the variable. Default: {DEFAULT_ADDRESS}.",
        "HOST:PORT",
    ),
]
ExternalUrlFlag = Annotated[
    str | None,
    flag(
        "--web.external-url",
        "URL under which the exporter is reachable, for example through a reverse proxy.",
        "URL",
    ),
]
RoutePrefixFlag = Annotated[
    str | None,
    flag(
        "--web.route-prefix",
        "Prefix of the paths of all endpoints. Default: the path of --web.external-url.",
        "PATH",
    ),
]


def find_route_prefix(external_url: str | None, route_prefix: str | None) -> str:
    """Return the prefix of all paths, empty for none; raises CommandError if a flag is invalid."""
    from insights_exporter.web.prefix import normalize_prefix, parse_external_path

    place = "--web.external-url"
    try:
        path = parse_external_path(external_url) if external_url else ""
        if route_prefix is not None:
            place, path = "--web.route-prefix", route_prefix
        return normalize_prefix(path)
    except ValueError as error:
        raise CommandError(f"{place}: {error}") from None


def start_logging(level: LogLevelFlag, format_: LogFormatFlag) -> None:
    """Start logging."""
    from insights_exporter.log import configure

    configure(level, format_)


class _StrictParsing:
    """Reads `--switch=true` as kingpin does, and refuses repeated flags."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 -- its type is private to typer
        """Read `args` into `ctx`, and remove what pydantic writes before errors about values."""
        try:
            return super().parse_args(ctx, _normalize(self, ctx, args))  # type: ignore[misc,no-any-return,arg-type]  # of the base that follows
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


class Command(_StrictParsing, TyperCommand):
    """A command."""


class CommandGroup(_StrictParsing, TyperGroup):
    """A command with subcommands and flags of its own."""


_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""What Go's strconv.ParseBool accepts, with which kingpin reads switches."""


def _normalize(command: TyperCommand | TyperGroup, context: typer.Context, args: Sequence[str]) -> list[str]:
    """Return `args` with plain switches; raises BadParameter if a flag is repeated that may not be."""
    options = [each for each in command.get_params(context) if isinstance(each, TyperOption)]
    plain = list(_simplify_switches(options, args))
    if not context.resilient_parsing:
        _, _, order = command.make_parser(context).parse_args(args=list(plain))
        counts = Counter(map(id, order))
        for option in options:
            if counts[id(option)] > 1 and not option.multiple:
                raise typer.BadParameter("may be given only once", context, param_hint=option.opts[0])
    return plain


def _simplify_switches(options: Sequence[TyperOption], args: Sequence[str]) -> Iterator[str]:
    """Replace `--switch=true` by `--switch`, and `--switch=false` by `--no-switch`; raises BadParameter."""
    switches = {option.opts[0]: option.secondary_opts[0] for option in options if option.secondary_opts}
    for arg in args:
        name, equals, value = arg.partition("=")
        if name not in switches or not equals:
            yield arg
        elif value in _TRUE:
            yield name
        elif value in _FALSE:
            yield switches[name]
        else:
            raise typer.BadParameter(f"{value!r} is neither true nor false", param_hint=name)
