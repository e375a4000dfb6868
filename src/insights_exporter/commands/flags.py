"""The flags that several commands share, and how every command ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from insights_exporter.commands.errors import Interrupted, NotUsable
from insights_exporter.config.problems import ConfigError

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
        raise NotUsable(f"--web.systemd-socket: {what}")


def find_route_prefix(external_url: str | None, route_prefix: str | None) -> str:
    """Return the prefix of all paths, empty for none.

    Raises:
        NotUsable: One of the flags cannot be used.
    """
    from insights_exporter.web.prefix import external_path, normalize_prefix

    try:
        path = external_path(external_url) if external_url else ""
    except ValueError as error:
        raise NotUsable(f"--web.external-url: {error}") from None
    try:
        return normalize_prefix(path if route_prefix is None else route_prefix)
    except ValueError as error:
        place = "--web.external-url" if route_prefix is None else "--web.route-prefix"
        raise NotUsable(f"{place}: {error}") from None


def start_logging(level: LogLevel, form: LogFormat) -> None:
    """Start logging at a level, of which `warn` is another name of `warning`."""
    from insights_exporter.logs import configure

    configure("warning" if level == "warn" else level, form)


@contextmanager
def exit_status() -> Iterator[None]:
    """End with status 2 and one line per problem if a command cannot run as configured."""
    try:
        yield
    except (NotUsable, ConfigError, OSError) as problem:
        typer.echo(f"insights-exporter: {problem}", err=True)
        raise typer.Exit(NOT_USABLE) from None
    except Interrupted:
        typer.echo("insights-exporter: interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
