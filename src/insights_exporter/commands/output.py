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
_STDOUT_REMEDY = "check where standard output goes, or name a file"
_READABLE = 0o644
_PERMISSIONS = 0o777
_IS_STREAM = (stat.S_ISFIFO, stat.S_ISCHR, stat.S_ISBLK)


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
        _find_writer(path)
    return partial(_write_path, path)


def check_output_folder(path: Path) -> Path:
    """Return the folder for a command's files, which may not exist yet; raises CommandError."""
    if path == _STANDARD_OUTPUT or (path.exists() and not path.is_dir()):
        raise CommandError(
            f"--output: {path} is not a folder; name a folder, since several files are written"
        )
    existing = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise CommandError(
            f"--output: {path} cannot be written: {existing} is not a folder that you may write to; "
            "name another folder"
        )
    return path


def _find_writer(path: Path) -> Callable[[Path, bytes], None]:
    """Return how to write to `path`; raises OSError if it cannot be an output."""
    if path == _STANDARD_OUTPUT:
        return _write_to(1)
    try:
        found = path.stat()
    except FileNotFoundError:
        path.resolve().parent.stat()
        return _replace
    for descriptor in (1, 2):
        if _is_same(found, descriptor):
            return _write_to(descriptor)
    if any(is_kind(found.st_mode) for is_kind in _IS_STREAM):
        return _write_stream
    if stat.S_ISREG(found.st_mode):
        return _replace
    raise OSError(0, "is a folder" if stat.S_ISDIR(found.st_mode) else "is neither a file nor a stream")


def _is_same(found: os.stat_result, descriptor: int) -> bool:
    """Return whether a path such as `/dev/stdout` is what is open as `descriptor`."""
    try:
        return os.path.samestat(found, os.fstat(descriptor))
    except OSError:
        return False


def _write_path(path: Path, data: bytes) -> None:
    """Write to `path`, whose kind may have changed since it was checked."""
    with _translate_errors(path), _raise_on_signals():
        _find_writer(path)(path, data)


@contextlib.contextmanager
def _raise_on_signals() -> Iterator[None]:
    """Raise Interrupted on SIGINT and SIGTERM, since a FIFO may wait for its reader forever."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
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
        remedy = (
            _STDOUT_REMEDY if path == _STANDARD_OUTPUT else "name a file in a folder that you may write to"
        )
        raise CommandError(f"{what}; {remedy}") from None


def _write_to(descriptor: int) -> Callable[[Path, bytes], None]:
    """Return a function that writes to an open descriptor, unbuffered."""
    return lambda _, data: write_all(partial(os.write, descriptor), data)


def _write_stream(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY), "wb", buffering=0) as stream:  # noqa: PTH123 -- creates no file
        write_all(stream.write, data)


def write_all(write: Callable[[memoryview], int | None], data: bytes) -> None:
    """Write `data` with `write`, which may accept a part at a time, as unbuffered streams do."""
    left = memoryview(data)
    while left:
        left = left[write(left) or 0 :]


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
