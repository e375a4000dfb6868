"""Errors that end a command, and its exit status."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

EXIT_OK, EXIT_PARTIAL, EXIT_ERROR = 0, 1, 2
_EXIT_INTERRUPTED = 1


class CommandError(Exception):
    """A flag or a file is invalid; the message has place, cause and remedy, one problem per line."""


class Interrupted(Exception):
    """A signal ended a command before it was done."""


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Exit with status 2 and one line per problem if a command cannot run as configured."""
    from insights_exporter.config.errors import ConfigError

    try:
        yield
    except BrokenPipeError:
        raise  # click exits with status 1 and no message, as usual in a pipe
    except (CommandError, ConfigError, OSError) as error:
        typer.echo(f"insights-exporter: {error}", err=True)
        raise typer.Exit(EXIT_ERROR) from None
    except Interrupted:
        typer.echo("insights-exporter: interrupted", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_OK) from None
