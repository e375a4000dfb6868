"""Exporters to attack: plain HTTP or TLS, with or without users and a rate limit."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import bcrypt

from benchmarks.attacks.probes import Target
from benchmarks.peers import Certificate
from benchmarks.servers import wait_until
from tests.integration.exporter import command
from tests.integration.processes import Running, clean_environment, free_port, running

_LOGIN = "prometheus:secret"
_COST = 10
_TLS = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"
_RATE_LIMIT = "rate_limit: {interval: 10ms, burst: 100}\n"


@dataclass(frozen=True, slots=True)
class Variant:
    """How an exporter is protected."""

    tls: bool
    users: bool

    @property
    def name(self) -> str:
        """The name in result tables."""
        return ("TLS" if self.tls else "plain") + (", users" if self.users else "")


VARIANTS = tuple(Variant(tls, users) for tls in (False, True) for users in (False, True))


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
    port = free_port()
    target = Target(
        f"{'https' if variant.tls else 'http'}://127.0.0.1:{port}", _LOGIN if variant.users else ""
    )
    flags = (
        f"--config.file={config}",
        f"--web.config.file={_web_config(directory, variant)}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
    )
    with running((*command(), *flags), directory / "run", clean_environment(directory, {})) as process:
        wait_until(lambda: _is_ready(target, process))
        yield AttackedExporter(target, process)
        process.stop()


def _web_config(directory: Path, variant: Variant) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    text = ""
    if variant.tls:
        Certificate.create(directory)
        text += _TLS
    if variant.users:
        user, _, password = _LOGIN.partition(":")
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST)).decode()
        text += f"basic_auth_users: {{{user}: '{hashed}'}}\n{_RATE_LIMIT}"
    file = directory / "web.yml"
    file.write_text(text, encoding="utf-8")
    return file


def _is_ready(target: Target, process: Running) -> bool:
    process.check_alive()
    with contextlib.closing(target.connect()) as connection:
        try:
            return target.get(connection, "/-/ready") == 200
        except (OSError, HTTPException):
            return False
