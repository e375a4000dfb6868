"""What the files that a deployment names hold, as of one moment."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext

from insights_exporter.coder.transport import tls_context
from insights_exporter.config.problems import ConfigError, Problem
from insights_exporter.config.settings import Deployment
from insights_exporter.config.tokens import read_key, unreadable

_REMEDY = "check what the files of `tls` hold"


@dataclass(frozen=True, slots=True)
class Material:
    """Certificates and keys, ready for use; equal where the settings and the files are.

    The token is not among them: it is read at each poll.
    """

    digest: bytes
    tls: SSLContext = field(compare=False, repr=False)
    pseudonym_key: bytes | None = field(compare=False, repr=False)


def read_materials(deployments: Iterable[Deployment]) -> dict[str, Material]:
    """Read the files of all `deployments`, by their name; contexts that are alike are shared.

    Raises:
        ConfigError: a file cannot be read, or does not hold what it should.
    """
    contexts: dict[bytes, SSLContext] = {}
    return {deployment.name: _read(deployment, contexts) for deployment in deployments}


def _read(deployment: Deployment, contexts: dict[bytes, SSLContext]) -> Material:
    pseudonymous = deployment.users.detail == "pseudonymous"
    key = read_key(deployment) if pseudonymous else None
    try:
        tls_digest = _digest(deployment.tls.model_dump_json().encode(), *_contents(deployment))
        if tls_digest not in contexts:
            contexts[tls_digest] = tls_context(deployment.tls)
    except OSError as error:
        what = unreadable(Path(error.filename), error).what if error.filename else f"cannot be used: {error}"
        raise ConfigError([Problem("", f"tls of {deployment.name}", what, _REMEDY)]) from None
    return Material(_digest(tls_digest, key or b""), contexts[tls_digest], key)


def _contents(deployment: Deployment) -> Iterator[bytes]:
    tls = deployment.tls
    for path in (tls.ca_file, tls.cert_file, tls.key_file):
        yield path.read_bytes() if path else b""


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.digest()
