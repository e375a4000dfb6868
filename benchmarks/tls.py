"""Scrapes over plain HTTP and over TLS, of two exporters with the same series, and of nginx for comparison.

Durations are measured by Prometheus, as an operator sees them, and by a minimal client.
Both reuse their connections; the cost of a new connection is reported separately.
"""

import ssl
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.client import Connection
from benchmarks.config import write_latency_config
from benchmarks.measure import children, main_thread_seconds
from benchmarks.peers import FILE_SERVER, Certificate, SavedExposition, nginx, save_exposition
from benchmarks.results import Section, Verdict, milliseconds, times
from benchmarks.servers import Server, all_polled, exporter, module, scrape_url, until
from benchmarks.side_by_side import OURS
from benchmarks.sizes import Sizes
from insights_exporter.commands.health import health
from scripts.install_test_deps import find
from tests.integration.exporter import command
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.prometheus import monitoring, scraping

_PLAIN, _TLS = "plain HTTP", "TLS"
_AT_MOST = 2.0
_NEARLY = 0.9
_SCRAPES = 10
_TIMEOUT = 300.0


class Cost(NamedTuple):
    """Duration of one scrape, and CPU time of the thread that responds, in seconds."""

    took: float
    worked: float


class TlsConnection(Connection):
    """A connection over TLS that does not verify the server's certificate."""

    def _connect(self) -> None:
        super()._connect()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket)


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Scrape both exporters in turn."""
    with ExitStack() as stack:
        coder = stack.enter_context(module(directory / "coder", "fixtures", str(sizes.users)))
        config = write_latency_config(directory / "config.yml", {"coder": coder.url})
        plain = stack.enter_context(exporter(directory / "plain", config))
        until(lambda: all_polled(plain))
        unsecured = scrape_url(plain)
        secured = stack.enter_context(_with_tls(directory / "tls", config))
        page = _read_size(Connection, unsecured)
        until(lambda: _read_size(TlsConnection, secured) > _NEARLY * page)
        pairs = {OURS: (unsecured, secured)}
        if find("nginx"):
            pairs[FILE_SERVER] = _start_nginx(
                stack, directory, save_exposition(unsecured.url, directory, sizes.users)
            )
        found = {
            (name, gzip): _compare_costs(*pair, sizes.rounds, gzip=gzip)
            for name, pair in pairs.items()
            for gzip in (True, False)
        }
        yield _section(sizes, found, _measure_handshake(secured, sizes.rounds))
        if find("prometheus"):
            yield _prometheus_section(directory / "prometheus", unsecured, secured, sizes.prometheus_interval)


@contextmanager
def _with_tls(directory: Path, config: Path) -> Iterator[Server]:
    """Run the exporter with a certificate until the block ends."""
    directory.mkdir(parents=True)
    Certificate.create(directory)
    address, file = f"127.0.0.1:{free_port()}", directory / "web.yml"
    file.write_text("tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n", encoding="utf-8")
    flags = (f"--config.file={config}", f"--web.config.file={file}", f"--web.listen-address={address}")
    with running((*command(), *flags), directory / "run", clean_environment(directory, {})) as process:
        until(lambda: health(address, file))
        yield Server(f"https://{address}/metrics", process.process.pid)
        process.stop()


def _start_nginx(stack: ExitStack, directory: Path, saved: SavedExposition) -> tuple[Server, Server]:
    """Serve the same bytes from files with nginx, without and with TLS; measure its worker process."""
    certificates = {"nginx": None, "nginx-tls": Certificate.create(directory)}
    servers = [
        stack.enter_context(nginx(directory / name, saved, certificate))
        for name, certificate in certificates.items()
    ]
    plain, encrypted = (Server(server.url, children(server.pid)[0]) for server in servers)
    return plain, encrypted


def _read_size(kind: type[Connection], server: Server) -> int:
    with closing(kind(server.url)) as connection:
        return connection.get(gzip=False).size


def _compare_costs(unsecured: Server, secured: Server, rounds: int, *, gzip: bool) -> tuple[Cost, Cost]:
    """Return the median costs without and with TLS."""
    with closing(Connection(unsecured.url)) as plain, closing(TlsConnection(secured.url)) as encrypted:
        pairs = [
            (_measure_cost(plain, unsecured, gzip=gzip), _measure_cost(encrypted, secured, gzip=gzip))
            for _ in range(rounds + 1)
        ][1:]
    medians = [Cost(*map(statistics.median, zip(*costs, strict=True))) for costs in zip(*pairs, strict=True)]
    return medians[0], medians[1]


def _measure_cost(connection: Connection, server: Server, *, gzip: bool) -> Cost:
    worked = main_thread_seconds(server.pid)
    took = connection.get(gzip=gzip).seconds
    return Cost(took, main_thread_seconds(server.pid) - worked)


def _measure_handshake(server: Server, rounds: int) -> float:
    """Return the CPU seconds of a connection that is opened and closed."""
    worked = main_thread_seconds(server.pid)
    for _ in range(rounds):
        TlsConnection(server.url).close()
    return (main_thread_seconds(server.pid) - worked) / rounds


def _section(sizes: Sizes, found: Mapping[tuple[str, bool], tuple[Cost, Cost]], handshake: float) -> Section:
    rows: list[tuple[str, ...]] = [
        ("program", "answer", _PLAIN, _TLS, "ratio", "processor, plain", "processor, TLS", "ratio")
    ]
    for (name, gzip), (plain, encrypted) in found.items():
        cells = [
            cell
            for one, other in zip(plain, encrypted, strict=True)
            for cell in (milliseconds(one), milliseconds(other), times(other, one))
        ]
        rows.append((name, "compressed" if gzip else "not compressed", *cells))
    note = (
        f"One scrape of {2 * sizes.users} series, nginx' from files. The client's decryption is in the "
        f"times, not in the processor's. A new connection costs the exporter {milliseconds(handshake)} of it."
    )
    plain, encrypted = found[OURS, True]
    target = f"TLS, compressed: at most {_AT_MOST:g} x the processor time of plain HTTP"
    one, other = milliseconds(plain.worked), milliseconds(encrypted.worked)
    reached = f"{times(encrypted.worked, plain.worked)} x, {other} to {one}"
    return Section(
        "TLS", rows, [note], [Verdict(target, reached, encrypted.worked <= _AT_MOST * plain.worked)]
    )


def _prometheus_section(directory: Path, unsecured: Server, secured: Server, interval: float) -> Section:
    plain, encrypted = _durations(directory, (unsecured, secured), interval)
    rows = [("", "scrape_duration_seconds"), (_PLAIN, milliseconds(plain)), (_TLS, milliseconds(encrypted))]
    note = f"The median of {_SCRAPES} scrapes, compressed, as Prometheus measures them, parsing included."
    reached = f"{times(encrypted, plain)} x, {milliseconds(encrypted)} to {milliseconds(plain)}"
    target = f"TLS, scraped by Prometheus: at most {_AT_MOST:g} x plain HTTP"
    verdict = Verdict(target, reached, encrypted <= _AT_MOST * plain)
    return Section("TLS, scraped by Prometheus", rows, [note], [verdict])


def _durations(directory: Path, servers: Sequence[Server], interval: float) -> Sequence[float]:
    """Return the median durations that Prometheus measures, without the first scrape of each server."""
    jobs = [_job(server.url) for server in servers]
    interval_text = f"{interval * 1000:.0f}ms"
    config = {
        "global": {"scrape_interval": interval_text, "scrape_timeout": interval_text},
        "scrape_configs": jobs,
    }
    with monitoring(directory, config) as prometheus:
        enough = f"count(count_over_time(scrape_duration_seconds[1h]) > {_SCRAPES}) == {len(jobs)}"
        prometheus.wait_for(enough, _TIMEOUT)
        found = prometheus.api("query", query="scrape_duration_seconds[1h]")["result"]
    by_job = {series["metric"]["job"]: [float(value) for _, value in series["values"]] for series in found}
    return [statistics.median(by_job[job["job_name"]][1:]) for job in jobs]


def _job(url: str) -> dict[str, Any]:
    scheme, _, rest = url.partition("://")
    (job,) = scraping(f"http://{rest.removesuffix('/metrics')}", job=scheme)["scrape_configs"]
    return {**job, "scheme": scheme, "tls_config": {"insecure_skip_verify": True}}
