"""Programs that show the same series, each in its own way."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import trustme

from benchmarks.servers import Server, module
from scripts.install_test_deps import find
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.waiting import eventually

_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Pages:
    """The page that all are to show, plain and compressed, in files, and from how many users it is."""

    plain: Path
    packed: Path
    users: int


def saved(url: str, directory: Path, users: int) -> Pages:
    """Save one deployment's data as served; what the process says of itself would clash with theirs."""
    plain, packed = directory / "page", directory / "page.gz"
    for path, coding in ((plain, "identity"), (packed, "gzip")):
        headers = {"Accept-Encoding": coding}
        with httpx.stream("GET", f"{url}?deployment=coder", headers=headers, trust_env=False) as reply:
            path.write_bytes(b"".join(reply.iter_raw()))
    return Pages(plain, packed, users)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of a certificate that was made for this run, and of its key."""

    chain: Path
    key: Path

    @classmethod
    def made(cls, directory: Path) -> Self:
        """Make one for this machine."""
        leaf = trustme.CA().issue_cert("localhost")
        certificate = cls(directory / "tls.crt", directory / "tls.key")
        leaf.cert_chain_pems[0].write_to_path(str(certificate.chain))
        leaf.private_key_pem.write_to_path(str(certificate.key))
        return certificate

    def for_nginx(self) -> str:
        """Spell it as nginx' settings."""
        return f"ssl_certificate {self.chain}; ssl_certificate_key {self.key};"


Start = Callable[[Path, Pages], AbstractContextManager[Server]]


@contextmanager
def nginx(directory: Path, pages: Pages, certificate: Certificate | None = None) -> Iterator[Server]:
    """Serve the very same bytes from two files, with a certificate over TLS."""
    port, www = free_port(), directory / "www"
    www.mkdir(parents=True)
    (www / "metrics").symlink_to(pages.plain)
    (www / "metrics.gz").symlink_to(pages.packed)
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
    with _served(words, directory, port, "https" if certificate else "http") as server:
        yield server


@contextmanager
def pushgateway(directory: Path, pages: Pages) -> Iterator[Server]:
    """Push the page once; the gateway shows it from then on."""
    port = free_port()
    words = ("prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
    with _served(words, directory, port) as server:
        push = f"http://127.0.0.1:{port}/metrics/job/bench"
        page = pages.plain.read_bytes()
        httpx.put(push, content=page, trust_env=False, timeout=_PATIENCE).raise_for_status()
        yield server


@contextmanager
def textfile(directory: Path, pages: Pages) -> Iterator[Server]:
    """Let the node exporter read the page from a file at each scrape."""
    port = free_port()
    (directory / "texts").mkdir(parents=True)
    (directory / "texts" / "bench.prom").symlink_to(pages.plain)
    words = (
        "prometheus-node-exporter",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={directory / 'texts'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    with _served(words, directory, port) as server:
        yield server


@contextmanager
def client_library(directory: Path, pages: Pages) -> Iterator[Server]:
    """Show the series with prometheus_client's own server."""
    with module(directory, "baseline", str(pages.users)) as server:
        yield Server(f"{server.url}/metrics", server.pid)


FILE_SERVER = "nginx"
PEERS: Mapping[str, tuple[str, Start]] = {
    FILE_SERVER: ("nginx", nginx),
    "Pushgateway": ("prometheus-pushgateway", pushgateway),
    "node_exporter textfile": ("prometheus-node-exporter", textfile),
    "prometheus_client": ("python", client_library),
}
"""By name: the program that is needed, and how it is started."""


def present() -> Mapping[str, Start]:
    """Return the peers that can be run on this machine."""
    return {name: start for name, (command, start) in PEERS.items() if find(command)}


def missing() -> tuple[str, ...]:
    """Name those that cannot."""
    return tuple(name for name in PEERS if name not in present())


@contextmanager
def _served(words: tuple[str, ...], directory: Path, port: int, scheme: str = "http") -> Iterator[Server]:
    command = (find(words[0]) or words[0], *words[1:])
    with running(command, directory, clean_environment(directory, {})) as process:
        url = f"{scheme}://127.0.0.1:{port}/metrics"
        eventually(lambda: _is_there(url), ignoring=(httpx.TransportError,))
        yield Server(url, process.process.pid)
        process.stop()


def _is_there(url: str) -> bool:
    return httpx.get(url, trust_env=False, verify=False, timeout=_PATIENCE).is_success  # noqa: S501 -- made here
