"""The flags that several commands share, and how every command ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from insights_exporter.commands.errors import Interrupted, NotUsable

INTERRUPTED, NOT_USABLE = 1, 2


def flag(name: str, help_text: str, **more: Any) -> Any:  # noqa: ANN401 -- as typer.Option has it
    """Declare a flag that may also be given by an environment variable of its name."""
    variable = "INSIGHTS_EXPORTER_" + name.removeprefix("--").replace(".", "_").replace("-", "_").upper()
    return typer.Option(name, help=help_text, envvar=variable, show_envvar=False, **more)


ConfigFile = Annotated[
    Path | None,
    flag("--config.file", "Settings (YAML); without it CODER_URL and CODER_SESSION_TOKEN count."),
]
WebConfigFile = Annotated[
    Path | None,
    flag("--web.config.file", "TLS, users and headers of what is served (YAML, as exporter-toolkit has it)."),
]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], flag("--log.level", "Least severe lines.")]
LogFormat = Annotated[Literal["logfmt", "json"], flag("--log.format", "Form of the log lines.")]
Address = Annotated[str, flag("--web.listen-address", "Where to serve, as HOST:PORT or :PORT.")]

DEFAULT_ADDRESS = ":12112"


def start_logging(level: LogLevel, form: LogFormat) -> None:
    """Log as the flags say."""
    from insights_exporter.logs import configure

    configure(level, form)


@contextmanager
def exit_status() -> Iterator[None]:
    """End with status 2 and a line a problem where something is not usable as set."""
    try:
        yield
    except (NotUsable, OSError) as problem:
        typer.echo(f"insights-exporter: {problem}", err=True)
        raise typer.Exit(NOT_USABLE) from None
    except Interrupted:
        typer.echo("insights-exporter: interrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
