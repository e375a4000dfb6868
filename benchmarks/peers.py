"""Other programs that expose the same series."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import trustme

from benchmarks.servers import Server, run_module
from scripts.install_test_deps import find
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.waiting import eventually

_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class SavedExposition:
    """Files with the exposition that all programs serve, plain and compressed, and its number of users."""

    plain: Path
    packed: Path
    users: int


def save_exposition(url: str, directory: Path, users: int) -> SavedExposition:
    """Save the series of one deployment; the process metrics would clash with those of the peers."""
    plain, packed = directory / "page", directory / "page.gz"
    for path, coding in ((plain, "identity"), (packed, "gzip")):
        headers = {"Accept-Encoding": coding}
        with httpx.stream("GET", f"{url}?deployment=coder", headers=headers, trust_env=False) as reply:
            path.write_bytes(b"".join(reply.iter_raw()))
    return SavedExposition(plain, packed, users)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Paths of a certificate generated for this run and of its key."""

    chain: Path
    key: Path

    @classmethod
    def create(cls, directory: Path) -> Self:
        """Generate a certificate for localhost."""
        leaf = trustme.CA().issue_cert("localhost")
        certificate = cls(directory / "tls.crt", directory / "tls.key")
        leaf.cert_chain_pems[0].write_to_path(str(certificate.chain))
        leaf.private_key_pem.write_to_path(str(certificate.key))
        return certificate

    def for_nginx(self) -> str:
        """Return the nginx directives for this certificate."""
        return f"ssl_certificate {self.chain}; ssl_certificate_key {self.key};"


Start = Callable[[Path, SavedExposition], AbstractContextManager[Server]]


@contextmanager
def serve_with_nginx(
    directory: Path, saved: SavedExposition, certificate: Certificate | None = None
) -> Iterator[Server]:
    """Serve the same bytes from two files with nginx, over TLS if a certificate is given."""
    port, www = free_port(), directory / "www"
    www.mkdir(parents=True)
    (www / "metrics").symlink_to(saved.plain)
    (www / "metrics.gz").symlink_to(saved.packed)
    file = directory / "nginx.conf"
    scratch = "".join(
        f"{kind}_temp_path {directory}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file.write_text(
        f"daemon off; pid {directory}/pid; error_log {directory}/errors; worker_processes 1;\n"
        f"{'user root;' if os.geteuid() == 0 else ''} events {{}}\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; gzip_static on; keepalive_requests 100000;\n"
        f"{scratch} default_type text/plain;\n"
        f"server {{ listen 127.0.0.1:{port}{' ssl' if certificate else ''}; root {www};\n"
        f"{certificate.for_nginx() if certificate else ''} }} }}\n",
        encoding="utf-8",
    )
    words = ("nginx", "-c", str(file), "-e", f"{directory}/errors")
    with _serve(words, directory, port, "https" if certificate else "http") as server:
        yield server


@contextmanager
def serve_with_pushgateway(directory: Path, saved: SavedExposition) -> Iterator[Server]:
    """Push the exposition once to a Pushgateway, which serves it from then on."""
    port = free_port()
    words = ("prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
    with _serve(words, directory, port) as server:
        push = f"http://127.0.0.1:{port}/metrics/job/bench"
        page = saved.plain.read_bytes()
        httpx.put(push, content=page, trust_env=False, timeout=_PATIENCE).raise_for_status()
        yield server


@contextmanager
def serve_with_textfile(directory: Path, saved: SavedExposition) -> Iterator[Server]:
    """Serve the exposition with node_exporter's textfile collector, which reads it at each scrape."""
    port = free_port()
    (directory / "texts").mkdir(parents=True)
    (directory / "texts" / "bench.prom").symlink_to(saved.plain)
    words = (
        "prometheus-node-exporter",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={directory / 'texts'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    with _serve(words, directory, port) as server:
        yield server


@contextmanager
def serve_with_client_library(directory: Path, saved: SavedExposition) -> Iterator[Server]:
    """Serve the series with prometheus_client's HTTP server."""
    with run_module(directory, "baseline", str(saved.users)) as server:
        yield Server(f"{server.url}/metrics", server.pid)


FILE_SERVER = "nginx"
PEERS: Mapping[str, tuple[str, Start]] = {
    FILE_SERVER: ("nginx", serve_with_nginx),
    "Pushgateway": ("prometheus-pushgateway", serve_with_pushgateway),
    "node_exporter textfile": ("prometheus-node-exporter", serve_with_textfile),
    "prometheus_client": ("python", serve_with_client_library),
}
"""By name: the required program, and the function that starts it."""


def list_available_peers() -> Mapping[str, Start]:
    """Return the peers that are installed on this machine."""
    return {name: start for name, (command, start) in PEERS.items() if find(command)}


def list_missing_peers() -> tuple[str, ...]:
    """Return the names of the peers that are not installed."""
    return tuple(name for name in PEERS if name not in list_available_peers())


@contextmanager
def _serve(words: tuple[str, ...], directory: Path, port: int, scheme: str = "http") -> Iterator[Server]:
    command = (find(words[0]) or words[0], *words[1:])
    with running(command, directory, clean_environment(directory, {})) as process:
        url = f"{scheme}://127.0.0.1:{port}/metrics"
        eventually(lambda: _is_serving(url), ignoring=(httpx.TransportError,))
        yield Server(url, process.process.pid)
        process.stop()


def _is_serving(url: str) -> bool:
    return httpx.get(url, trust_env=False, verify=False, timeout=_PATIENCE).is_success  # noqa: S501 -- made here
