"""How a command starts and ends: standard streams, signals, errors, exit status."""

import errno
import io
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer

EXIT_OK, EXIT_PARTIAL, EXIT_ERROR = 0, 1, 2
_EXIT_INTERRUPTED = 1
_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2
_OS_REMEDIES: Mapping[int, str] = {
    errno.ENOSPC: "free space there, or choose another place",
    errno.EDQUOT: "free space there, or choose another place",
    errno.EACCES: "allow the user of the exporter to access it",
    errno.EPERM: "allow the user of the exporter to access it",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f)",
    errno.EROFS: "choose another place",
    errno.ENOMEM: "free memory on this machine",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files of the machine (sysctl fs.file-max)",
}
_WRITE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG})
_DEFERRED = frozenset({signal.SIGTERM, signal.SIGHUP})


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
    except (CommandError, ConfigError) as error:
        typer.echo(f"insights-exporter: {error}", err=True)
        raise typer.Exit(EXIT_ERROR) from None
    except Interrupted:
        typer.echo("insights-exporter: interrupted", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_OK) from None


def prepare_standard_streams() -> None:
    """Open the null device for each closed stream, so that no socket takes its place; let output be any text.

    A character that the encoding of the locale lacks is written as an escape.
    """
    while (descriptor := os.open(os.devnull, os.O_RDONLY)) <= _STANDARD_ERROR:
        pass
    os.close(descriptor)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def report_os_errors() -> Iterator[None]:
    """Exit with status 2 and one line for an error of the system, such as a full disk."""
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STANDARD_OUTPUT)  # Python flushes once more as it ends
        typer.echo(f"insights-exporter: {'; '.join(explain_os_error(error))}", err=True)
        sys.exit(EXIT_ERROR)


def explain_os_error(error: OSError) -> tuple[str, str]:
    """Return an error of the system with its place, and what to do.

    A failed write without the name of a file is one to standard output.
    """
    number = error.errno or 0
    place = error.filename or ("standard output" if number in _WRITE_ERRORS else "")
    what = (error.strerror or str(error)).lower()
    remedy = "check this path" if place else "check the limits of this process"
    return f"{place}: {what}" if place else what, _OS_REMEDIES.get(number, remedy)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Keep SIGTERM and SIGHUP pending until `deliver_signals` or the end of the block.

    SIGHUP would end a starting exporter, and the kernel drops a SIGTERM for
    process 1 of a container that does not handle it yet.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _DEFERRED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def deliver_signals() -> None:
    """Deliver pending and future signals: they are handled now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _DEFERRED)
