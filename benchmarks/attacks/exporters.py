"""Exporters to attack."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import bcrypt
import trustme

from benchmarks.attacks.probes import Target
from benchmarks.attacks.variants import Variant
from benchmarks.servers import wait_until
from tests.integration.exporter import command
from tests.integration.processes import Running, clean_environment, free_port, running

_LOGIN = "prometheus:secret"
_COST = 10
_CLIENT, _ATTACKER = "prometheus", "attacker"
"""Names in the certificates of clients; only the first is allowed."""
_TLS = "cert_file: localhost.pem, key_file: localhost.pem"
_CLIENT_CERTIFICATES = (
    "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [prometheus]"
)
_RATE_LIMIT = "rate_limit: {interval: 10ms, burst: 100}"


@dataclass(frozen=True, slots=True)
class AttackedExporter:
    """A running exporter."""

    target: Target
    running: Running

    @property
    def pid(self) -> int:
        """The PID of the exporter."""
        return self.running.process.pid

    @property
    def log_lines(self) -> int:
        """The number of lines logged so far."""
        return self.running.output().count("\n")


@contextlib.contextmanager
def run_exporter(directory: Path, config: Path, variant: Variant) -> Iterator[AttackedExporter]:
    """Run an exporter on the loopback interface until the block ends."""
    target = _build_target(directory, free_port(), variant)
    flags = (
        f"--config.file={config}",
        f"--web.config.file={_write_web_config(directory, variant)}",
        f"--web.listen-address=127.0.0.1:{target.port}",
        "--web.enable-lifecycle",
    )
    with running((*command(), *flags), directory / "run", clean_environment(directory, {})) as process:
        wait_until(lambda: _is_ready(target, process))
        yield AttackedExporter(target, process)
        process.stop()


def _build_target(directory: Path, port: int, variant: Variant) -> Target:
    certificates = variant.client_certificates
    return Target(
        url=f"{'https' if variant.tls else 'http'}://127.0.0.1:{port}",
        login=_LOGIN if variant.users else "",
        certificate=f"{directory}/{_CLIENT}.pem" if certificates else "",
        attackers_certificate=f"{directory}/{_ATTACKER}.pem" if certificates else "",
    )


def _write_web_config(directory: Path, variant: Variant) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    lines = []
    if variant.tls:
        _write_certificates(directory)
        verified = f", {_CLIENT_CERTIFICATES}" if variant.client_certificates else ""
        lines.append(f"tls_server_config: {{{_TLS}{verified}}}")
    if variant.users:
        user, _, password = _LOGIN.partition(":")
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST)).decode()
        lines.append(f"basic_auth_users: {{{user}: '{hashed}'}}")
    if variant.rate_limit:
        lines.append(_RATE_LIMIT)
    file = directory / "web.yml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def _write_certificates(directory: Path) -> None:
    """Write the certificates of an authority, of the server and of its clients, each with its key."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(f"{directory}/ca.pem")
    for name in ("localhost", _CLIENT, _ATTACKER):
        leaf = authority.issue_cert(name)
        leaf.private_key_and_cert_chain_pem.write_to_path(f"{directory}/{name}.pem")


def _is_ready(target: Target, process: Running) -> bool:
    process.check_alive()
    with contextlib.closing(target.connect()) as connection:
        try:
            return target.get(connection, "/-/ready") == 200
        except (OSError, HTTPException):
            return False
