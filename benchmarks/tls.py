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
from benchmarks.comparison import OURS
from benchmarks.config import write_latency_config
from benchmarks.measure import list_children, read_main_thread_seconds
from benchmarks.peers import FILE_SERVER, Certificate, SavedExposition, save_exposition, serve_with_nginx
from benchmarks.results import Section, Verdict, format_ms, format_ratio
from benchmarks.servers import Server, has_polled_all, read_scrape_url, run_exporter, run_module, wait_until
from benchmarks.sizes import Sizes
from insights_exporter.commands.health import check_health
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
        coder = stack.enter_context(run_module(directory / "coder", "static_coder", str(sizes.users)))
        config = write_latency_config(directory / "config.yml", {"coder": coder.url})
        plain = stack.enter_context(run_exporter(directory / "plain", config))
        wait_until(lambda: has_polled_all(plain))
        unsecured = read_scrape_url(plain)
        secured = stack.enter_context(_run_with_tls(directory / "tls", config))
        page = _read_size(Connection, unsecured)
        wait_until(lambda: _read_size(TlsConnection, secured) > _NEARLY * page)
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
        yield _build_section(sizes, found, _measure_handshake(secured, sizes.rounds))
        if find("prometheus"):
            yield _build_prometheus_section(
                directory / "prometheus", unsecured, secured, sizes.prometheus_interval
            )


@contextmanager
def _run_with_tls(directory: Path, config: Path) -> Iterator[Server]:
    """Run the exporter with a certificate until the block ends."""
    directory.mkdir(parents=True)
    Certificate.create(directory)
    address, file = f"127.0.0.1:{free_port()}", directory / "web.yml"
    file.write_text("tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n", encoding="utf-8")
    flags = (f"--config.file={config}", f"--web.config.file={file}", f"--web.listen-address={address}")
    with running((*command(), *flags), directory / "run", clean_environment(directory, {})) as process:
        wait_until(lambda: check_health(address, file))
        yield Server(f"https://{address}/metrics", process.process.pid)
        process.stop()


def _start_nginx(stack: ExitStack, directory: Path, saved: SavedExposition) -> tuple[Server, Server]:
    """Serve the same bytes from files with nginx, without and with TLS; measure its worker process."""
    certificates = {"nginx": None, "nginx-tls": Certificate.create(directory)}
    servers = [
        stack.enter_context(serve_with_nginx(directory / name, saved, certificate))
        for name, certificate in certificates.items()
    ]
    plain, encrypted = (Server(server.url, list_children(server.pid)[0]) for server in servers)
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
    worked = read_main_thread_seconds(server.pid)
    took = connection.get(gzip=gzip).seconds
    return Cost(took, read_main_thread_seconds(server.pid) - worked)


def _measure_handshake(server: Server, rounds: int) -> float:
    """Return the CPU seconds of a connection that is opened and closed."""
    worked = read_main_thread_seconds(server.pid)
    for _ in range(rounds):
        TlsConnection(server.url).close()
    return (read_main_thread_seconds(server.pid) - worked) / rounds


def _build_section(
    sizes: Sizes, found: Mapping[tuple[str, bool], tuple[Cost, Cost]], handshake: float
) -> Section:
    rows: list[tuple[str, ...]] = [
        ("program", "response", _PLAIN, _TLS, "ratio", "CPU, plain", "CPU, TLS", "ratio")
    ]
    for (name, gzip), (plain, encrypted) in found.items():
        cells = [
            cell
            for one, other in zip(plain, encrypted, strict=True)
            for cell in (format_ms(one), format_ms(other), format_ratio(other, one))
        ]
        rows.append((name, "compressed" if gzip else "uncompressed", *cells))
    rows.append((OURS, "new connection", *[""] * 4, format_ms(handshake), ""))
    note = (
        f"One scrape of {2 * sizes.users} series; nginx serves files. The times include the client's "
        "decryption, the CPU times do not. The row of a new connection is for the handshake alone."
    )
    plain, encrypted = found[OURS, True]
    target = f"TLS, compressed: at most {_AT_MOST:g} x the CPU time of plain HTTP"
    one, other = format_ms(plain.worked), format_ms(encrypted.worked)
    reached = f"{format_ratio(encrypted.worked, plain.worked)} x, {other} to {one}"
    return Section(
        "TLS", rows, [note], [Verdict(target, reached, encrypted.worked <= _AT_MOST * plain.worked)]
    )


def _build_prometheus_section(
    directory: Path, unsecured: Server, secured: Server, interval: float
) -> Section:
    plain, encrypted = _measure_durations(directory, (unsecured, secured), interval)
    rows = [
        ("", "scrape_duration_seconds"),
        (_PLAIN, format_ms(plain)),
        (_TLS, format_ms(encrypted)),
    ]
    note = f"The median of {_SCRAPES} compressed scrapes, as measured by Prometheus, parsing included."
    reached = f"{format_ratio(encrypted, plain)} x, {format_ms(encrypted)} to {format_ms(plain)}"
    target = f"TLS, scraped by Prometheus: at most {_AT_MOST:g} x plain HTTP"
    verdict = Verdict(target, reached, encrypted <= _AT_MOST * plain)
    return Section("TLS, scraped by Prometheus", rows, [note], [verdict])


def _measure_durations(directory: Path, servers: Sequence[Server], interval: float) -> Sequence[float]:
    """Return the median durations that Prometheus measures, without the first scrape of each server."""
    jobs = [_build_job(server.url) for server in servers]
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


def _build_job(url: str) -> dict[str, Any]:
    scheme, _, rest = url.partition("://")
    (job,) = scraping(f"http://{rest.removesuffix('/metrics')}", job=scheme)["scrape_configs"]
    return {**job, "scheme": scheme, "tls_config": {"insecure_skip_verify": True}}
