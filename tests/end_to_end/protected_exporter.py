"""The exporter with a web config file, and a Coder to poll."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from insights_exporter.commands.health import check_health
from insights_exporter.demo import DEMO_TOKEN
from tests.integration.exporter import START, command
from tests.integration.processes import Running, clean_environment, free_port, running
from tests.integration.prometheus import scraping
from tests.integration.waiting import eventually

USER, PASSWORD = "prometheus", "prometheus"
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
MUTUAL = """\
tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: client-ca.crt,
  client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [prometheus.example.com]}
"""
USERS = f"basic_auth_users: {{{USER}: $2b$04$zHMoPUQa7KGfttbev/diLOYTLMLSaAxtw21yJWb/nA4KOFT88tXVW}}\n"


@dataclass(frozen=True, slots=True)
class ProtectedExporter:
    """A running exporter, its web config file, and what its server's certificate is trusted by."""

    port: int
    file: Path
    running: Running
    trust: ssl.SSLContext

    def request(self, path: str, method: str = "GET", login: tuple[str, str] | None = None) -> httpx.Response:
        """Send a request over TLS."""
        with httpx.Client(verify=self.trust, trust_env=False, timeout=30) as client:
            return client.request(method, f"https://localhost:{self.port}{path}", auth=login)

    def job(self, name: str, trusted: Path, **config: Any) -> dict[str, Any]:  # noqa: ANN401 - what Prometheus takes
        """Return a Prometheus job that scrapes it over TLS, without credentials unless `config` has them."""
        plain: dict[str, Any] = scraping(f"http://localhost:{self.port}", job=name)["scrape_configs"][0]
        tls = {"ca_file": str(trusted), **config.pop("tls_config", {})}
        return {**plain, "scheme": "https", "tls_config": tls, **config}


@contextmanager
def run_protected(
    directory: Path, text: str, coder: str, trust: ssl.SSLContext, *flags: str
) -> Iterator[ProtectedExporter]:
    """Serve behind a web config file of `text` in `directory` until the block ends; then SIGTERM, and 0.

    The log must not contain unexpected errors.
    """
    port = free_port()
    file = directory / f"web-{port}.yml"
    file.write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{port}"
    words = (*command(), f"--web.listen-address={address}", f"--web.config.file={file}", *flags)
    env: Mapping[str, str] = {"CODER_URL": coder, "CODER_SESSION_TOKEN": DEMO_TOKEN}
    with running(words, directory / f"run-{port}", clean_environment(directory, env)) as process:
        eventually(lambda: process.process.poll() is not None or check_health(address, file), START)
        process.check_alive()
        yield ProtectedExporter(port, file, process, trust)
        status = process.stop()
        assert (0, False) == (status, "unexpected" in process.output()), process.output()
