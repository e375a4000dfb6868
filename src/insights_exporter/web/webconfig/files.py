"""The files that the web config file names."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from insights_exporter.config.errors import InvalidValue

MAX_BYTES = 2 * 1024 * 1024

Stamp = tuple[int, ...] | None
"""Identifies one state of a file; None for a missing file."""

Stamps = Mapping[Path, Stamp]


class Files:
    """Reads each file once, so that the checked content is the content in use; relative to `directory`.

    `stamps` are taken before a file is read, so that a file that changes meanwhile counts as changed.
    """

    def __init__(self, directory: Path) -> None:
        self.stamps: dict[Path, Stamp] = {}
        self._directory = directory
        self._contents: dict[Path, bytes] = {}

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            InvalidValue: It cannot be read, or is larger than 2 MiB.
        """
        path = self._directory / name
        if path not in self._contents:
            self.stamps[path] = _stamp(path)
            self._contents[path] = _read_file(path)
        return self._contents[path]


def have_changed(stamps: Stamps) -> bool:
    """Return whether any of the files has changed, also one behind a symbolic link."""
    return any(_stamp(path) != before for path, before in stamps.items())


def _stamp(path: Path) -> Stamp:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino, state.st_dev)


def _read_file(path: Path) -> bytes:
    content = None
    try:
        if path.is_file() or not path.exists():
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
        raise InvalidValue(f"{path} cannot be read: {reason}", "check the path and the permissions") from None
    if content is None:
        raise InvalidValue(f"{path} is not a regular file", "name the file with the text")
    if len(content) > MAX_BYTES:
        raise InvalidValue(f"{path} is larger than {MAX_BYTES // 1024**2} MiB", "is it the right file?")
    return content


@contextmanager
def as_file(pem: bytes) -> Iterator[str]:
    """Provide a path at which `pem` can be read within the block.

    The `ssl` module loads keys from paths only. On Linux the path is in memory:
    an inline key is never written to a disk, and no writable disk is needed.
    """
    if sys.platform == "linux":
        with open(os.memfd_create("pem"), "w+b", buffering=0) as file:  # noqa: PTH123 - it has no path
            file.write(pem)
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(buffering=0) as file:
            file.write(pem)
            yield file.name
