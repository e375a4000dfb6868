"""Certificates and keys as PEM text: what they must hold, and how OpenSSL gets at them."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from insights_exporter.config.problems import Wrong

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")


def check_certificates(pem: bytes) -> None:
    """See that `pem` holds a certificate.

    Raises:
        Wrong: it does not.
    """
    if _CERTIFICATE not in pem:
        raise Wrong("holds no certificate", "give one in PEM form, with its line of BEGIN CERTIFICATE")


def check_key(pem: bytes) -> None:
    """See that `pem` holds a private key that needs no passphrase.

    Raises:
        Wrong: it does not.
    """
    if not _KEY.search(pem):
        raise Wrong("holds no private key", "give one in PEM form, with its line of BEGIN PRIVATE KEY")
    if _ENCRYPTED.search(pem):
        raise Wrong(
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
