"""Certificates of a server, of clients and of an unknown authority, created for each run."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from insights_exporter.web.webconfig.files import Files
from insights_exporter.web.webconfig.loader import WebConfig, load_web_config

DATA = Path(__file__).with_name("data")
_INLINE = re.compile(r"INLINE\((.+?)\)")


@dataclass(frozen=True, slots=True)
class Authorities:
    """The authorities of the server, of its clients, and an unknown one."""

    server: trustme.CA
    client: trustme.CA
    stranger: trustme.CA


def make_authorities() -> Authorities:
    """Return three independent authorities."""
    return Authorities(trustme.CA(), trustme.CA(), trustme.CA())


def chain(leaf: trustme.LeafCert) -> bytes:
    """Return the PEM text of a certificate with its intermediates."""
    return b"".join(blob.bytes() for blob in leaf.cert_chain_pems)


def encrypted(key: trustme.Blob) -> bytes:
    """Return the key encrypted with a passphrase."""
    return serialization.load_pem_private_key(key.bytes(), None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


def write_parts(directory: Path, authorities: Authorities) -> None:
    """Write the files that the data files name."""
    server, other = (authorities.server.issue_cert("localhost", "127.0.0.1") for _ in range(2))
    parts = {
        "server.crt": chain(server),
        "server.key": server.private_key_pem.bytes(),
        "other.crt": chain(other),
        "other.key": other.private_key_pem.bytes(),
        "encrypted.key": encrypted(server.private_key_pem),
        "client-ca.crt": authorities.client.cert_pem.bytes(),
    }
    for name, pem in parts.items():
        (directory / name).write_bytes(pem)


def write_case(directory: Path, name: str) -> Path:
    """Write a data file next to the files that it names, with its inline parts filled in."""
    text = (DATA / name).read_text(encoding="utf-8")
    file = directory / name
    file.write_text(_INLINE.sub(lambda found: _quoted(directory / found[1]), text), encoding="utf-8")
    return file


def load(file: Path) -> WebConfig:
    """Return the config of a file."""
    return load_web_config(file, Files(file.parent))


def _quoted(part: Path) -> str:
    return json.dumps(part.read_text(encoding="utf-8"))
