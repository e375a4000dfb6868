"""Files and inline PEM that the web config file names."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from insights_exporter.config.errors import InvalidValue

MAX_BYTES = 2 * 1024 * 1024

Stamp = tuple[int, ...] | None
"""What tells one state of a file from another; none where there is no file."""

Stamps = Mapping[Path, Stamp]


class Files:
    """Reads files of a directory, each once, so that what was checked is what is used.

    `stamps` holds what each looked like before it was read: a file that
    changes while it is read is seen as changed at the next look.
    """

    def __init__(self, directory: Path) -> None:
        self.stamps: dict[Path, Stamp] = {}
        self._directory = directory
        self._contents: dict[Path, bytes] = {}

    def read(self, name: str) -> bytes:
        """Give what is in the file; a relative name starts at the directory.

        Raises:
            Wrong: it cannot be read, or is far larger than such files are.
        """
        path = self._directory / name
        if path not in self._contents:
            self.stamps[path] = stamp(path)
            self._contents[path] = _content(path)
        return self._contents[path]


def stamp(path: Path) -> Stamp:
    """Give the stamp of the file that `path` leads to now, through symbolic links."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino, state.st_dev)


def changed(stamps: Stamps) -> bool:
    """Tell whether any of the files is another than when it was read."""
    return any(stamp(path) != before for path, before in stamps.items())


def _content(path: Path) -> bytes:
    try:
        special = path.exists() and not path.is_file()
        content = b"" if special else _beginning(path)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a path").lower()
        raise InvalidValue(f"{path} cannot be read: {reason}", "check the path and the permissions") from None
    if special:
        raise InvalidValue(f"{path} is not a regular file", "name the file that holds the text")
    if len(content) > MAX_BYTES:
        raise InvalidValue(f"{path} is larger than {MAX_BYTES // 1024**2} MiB", "is it the right file?")
    return content


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")


def check_certificates(pem: bytes) -> None:
    """See that `pem` holds a certificate.

    Raises:
        Wrong: it does not.
    """
    if _CERTIFICATE not in pem:
        raise InvalidValue("holds no certificate", "give one in PEM form, with its line of BEGIN CERTIFICATE")


def check_key(pem: bytes) -> None:
    """See that `pem` holds a private key that needs no passphrase.

    Raises:
        Wrong: it does not.
    """
    if not _KEY.search(pem):
        raise InvalidValue("holds no private key", "give one in PEM form, with its line of BEGIN PRIVATE KEY")
    if _ENCRYPTED.search(pem):
        raise InvalidValue(
            "is encrypted", "take its passphrase off with `openssl pkey`, and keep the file to yourself"
        )


@contextmanager
def as_file(pem: bytes) -> Iterator[str]:
    """Give a path under which `pem` can be read until the block ends.

    Python's TLS loads keys from paths alone. On Linux the path leads to
    memory: an inline key never gets to a disk, and none need be writable.
    """
    if sys.platform == "linux":
        with open(os.memfd_create("pem"), "w+b", buffering=0) as file:  # noqa: PTH123 - it has no path
            file.write(pem)
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(buffering=0) as file:
            file.write(pem)
            yield file.name
