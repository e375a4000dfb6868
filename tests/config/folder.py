"""A folder with the files that configs under test name."""

from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from insights_exporter.config.loader import LoadedConfig, load_config
from insights_exporter.datasets.registry import DATASETS

HIDDEN = "hidden-secret"
"""Every secret of configs under test."""

ENVIRON = {"TOKEN": HIDDEN}
"""The environment of configs under test."""

SMALLEST = "deployments: [{url: https://coder.example.com, token_env: TOKEN}]\n"


def create_files(folder: Path) -> Path:
    """Write tokens, keys, certificates and other files into `folder`."""
    authority, other = trustme.CA(), trustme.CA()
    client = authority.issue_cert("client.example.com")
    contents = {
        "token": f"{HIDDEN}\n".encode(),
        "key": f"{HIDDEN} {HIDDEN}\n".encode(),
        "short-key": f"  {HIDDEN}  \n".encode(),
        "empty": b"\n",
        "letter": b"dear reader,\nthis is no token\n",
        "binary": bytes(range(128, 256)),
        "ca.pem": authority.cert_pem.bytes(),
        "client.pem": client.cert_chain_pems[0].bytes(),
        "client-key.pem": client.private_key_pem.bytes(),
        "locked-key.pem": encrypt_key(client.private_key_pem.bytes()),
        "other-key.pem": other.issue_cert("other.example.com").private_key_pem.bytes(),
    }
    for name, content in contents.items():
        make_private(folder / name, content)
    return folder


def encrypt_key(key: bytes) -> bytes:
    """Encrypt a private key."""
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(HIDDEN.encode()),
    )


def make_private(path: Path, content: bytes) -> Path:
    """Write a file that only its owner can read."""
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def load_text(folder: Path, text: str) -> LoadedConfig:
    """Load a config from `text`."""
    return load_config(make_private(folder / "config.yml", text.encode()), ENVIRON, DATASETS)
