"""Where a command writes to: standard output, a FIFO or device, or a file that is replaced atomically."""

import contextlib
import os
import signal
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from insights_exporter.commands.errors import CommandError, Interrupted

Write = Callable[[bytes], None]

_STANDARD_OUTPUT = Path("-")
_READABLE = 0o644
_PERMISSIONS = 0o777


def open_output(path: Path | None) -> Write:
    """Return a function that writes a command's whole output to `path`; nothing is written yet.

    `-` and None are standard output. A symlink is followed, a FIFO or device
    is written to, and a regular file is replaced atomically. The function
    raises the same errors.

    Raises:
        CommandError: The path cannot be written to.
        Interrupted: A signal came while nothing read the FIFO.
    """
    path = path or _STANDARD_OUTPUT
    with _translate_errors(path):
        _find_stream(path)
    return partial(_write, path)


def check_output_folder(path: Path) -> Path:
    """Return the folder for a command's files, which may not exist yet; raises CommandError."""
    if path == _STANDARD_OUTPUT or (path.exists() and not path.is_dir()):
        remedy = "name a folder, since several files are written"
        raise CommandError(f"--output: {path} is not a folder; {remedy}")
    existing = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        what = f"cannot be written: {existing} is not a folder that you may write to"
        raise CommandError(f"--output: {path} {what}; name another folder")
    return path


def _find_stream(path: Path) -> Path | int | None:
    """Return the FIFO, device or open descriptor to write to, None for a file that is replaced or created.

    Raises OSError if `path` cannot be an output.
    """
    if path == _STANDARD_OUTPUT:
        return 1
    try:
        found = path.stat()
    except FileNotFoundError:
        path.resolve().parent.stat()
        return None
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(found, os.fstat(descriptor)):  # a path such as /dev/stdout
                return descriptor
    if stat.S_ISREG(found.st_mode):
        return None
    if stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        return path
    raise OSError(0, "is a folder" if stat.S_ISDIR(found.st_mode) else "is neither a file nor a stream")


def _write(path: Path, data: bytes) -> None:
    """Write to `path`, whose kind may have changed since it was checked."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _translate_errors(path):
            stream = _find_stream(path)
            if stream is None:
                _replace(path, data)
            else:
                _write_stream(stream, data)
    except KeyboardInterrupt:  # a FIFO may wait for its reader forever
        raise Interrupted from None
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Turn errors of the system into a CommandError with the path."""
    try:
        yield
    except OSError as error:
        what = f"--output: {path} cannot be written: {(error.strerror or '').lower()}"
        remedy = "name a file in a folder that you may write to"
        if path == _STANDARD_OUTPUT:
            remedy = "check where standard output goes, or name a file"
        raise CommandError(f"{what}; {remedy}") from None


def _write_stream(stream: Path | int, data: bytes) -> None:
    descriptor = os.dup(stream) if isinstance(stream, int) else os.open(stream, os.O_WRONLY)
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes) -> None:
    """Replace or create the file that `path` resolves to; concurrent readers see the old one."""
    target = path.resolve()
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            _copy_permissions(target, file.fileno())
            os.fsync(file.fileno())
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _copy_permissions(target: Path, descriptor: int) -> None:
    """Copy the permissions of the old file, and its owner and group if allowed."""
    try:
        old = target.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, _READABLE)
        return
    for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, owner, group)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & _PERMISSIONS)
