"""Scrapes of the same series from each program, by a minimal client and by Prometheus."""

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.client import compute_median, read_in_turns
from benchmarks.config import write_latency_config
from benchmarks.measure import list_children, read_peak
from benchmarks.peers import FILE_SERVER, list_available_peers, list_missing_peers, save_exposition
from benchmarks.results import Section, Verdict, format_mib, format_ms, format_ratio
from benchmarks.servers import Server, has_polled_all, read_scrape_url, run_exporter, run_module, wait_until
from benchmarks.sizes import Sizes
from scripts.install_test_deps import find
from tests.integration.prometheus import monitoring, scraping

OURS = "insights-exporter"
_FAST = (FILE_SERVER, OURS)
_MOST_TIMES_NGINX, _OR_SECONDS_MORE = 1.3, 0.001
_SCRAPES = 3
_TIMEOUT = 90.0


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Compare all programs on this machine."""
    with run_all(sizes, directory) as servers:
        yield _build_scrape_section(sizes, servers)
        if find("prometheus"):
            chosen = dict(itertools.islice(servers.items(), sizes.prometheus_programs))
            yield _build_prometheus_section(sizes, directory, chosen)


@contextmanager
def run_all(sizes: Sizes, directory: Path) -> Iterator[Mapping[str, Server]]:
    """Run the exporter and its peers until the block ends, all with the exporter's series."""
    with ExitStack() as stack:
        coder = stack.enter_context(run_module(directory / "coder", "static_coder", str(sizes.users)))
        config = write_latency_config(directory / "config.yml", {"coder": coder.url})
        ours = stack.enter_context(run_exporter(directory / "exporter", config))
        wait_until(lambda: has_polled_all(ours))
        server = read_scrape_url(ours)
        saved = save_exposition(server.url, directory, sizes.users)
        peers = {
            name: stack.enter_context(start(directory / name.split()[0], saved))
            for name, start in list_available_peers().items()
        }
        yield {OURS: server, **peers}


def _build_scrape_section(sizes: Sizes, servers: Mapping[str, Server]) -> Section:
    plain, packed = (_measure_medians(sizes, servers, gzip=gzip) for gzip in (False, True))
    rows: list[tuple[str, ...]] = [
        ("program", "plain", "ratio to nginx", "gzip", "ratio to nginx", "peak memory")
    ]
    for name, server in servers.items():
        cells = [cell for found in (plain, packed) for cell in _format_cells(found, name)]
        used = sum(map(read_peak, (server.pid, *list_children(server.pid))))
        rows.append((name, *cells, format_mib(used)))
    rows += [(name, "missing", *[""] * 4) for name in list_missing_peers()]
    note = f"One scrape of {2 * sizes.users} series. nginx serves the same bytes from files."
    verdicts = [
        _build_verdict(format_, found)
        for format_, found in (("plain", plain), ("gzip", packed))
        if FILE_SERVER in found
    ]
    return Section("A scrape", rows, [note], verdicts)


def _measure_medians(sizes: Sizes, servers: Mapping[str, Server], *, gzip: bool) -> Mapping[str, float]:
    fast = {name: server.url for name, server in servers.items() if name in _FAST}
    slow = {name: server.url for name, server in servers.items() if name not in _FAST}
    reads = read_in_turns(fast, sizes.rounds, gzip=gzip) | read_in_turns(slow, sizes.slow_rounds, gzip=gzip)
    return {name: compute_median(each) for name, each in reads.items()}


def _format_cells(found: Mapping[str, float], name: str) -> Sequence[str]:
    ratio = format_ratio(found[name], found[FILE_SERVER]) if FILE_SERVER in found else ""
    return format_ms(found[name]), ratio


def _build_verdict(format_: str, found: Mapping[str, float]) -> Verdict:
    file, ours = found[FILE_SERVER], found[OURS]
    target = f"scrape, {format_}: at most 1.3 x nginx with the same bytes, or nginx + 1 ms"
    reached = f"{format_ratio(ours, file)} x, {format_ms(ours)} to {format_ms(file)}"
    return Verdict(target, reached, ours <= max(_MOST_TIMES_NGINX * file, file + _OR_SECONDS_MORE))


def _build_prometheus_section(sizes: Sizes, directory: Path, servers: Mapping[str, Server]) -> Section:
    interval = sizes.prometheus_interval
    found = {
        name: _measure_with_prometheus(directory / f"prometheus-{number}", server.url, interval)
        for number, (name, server) in enumerate(servers.items())
    }
    rows: list[tuple[str, ...]] = [("program", "scrape_duration_seconds", "ratio to nginx")]
    rows += [(name, *_format_cells(found, name)) for name in servers]
    note = (
        f"The median of {_SCRAPES} scrapes as measured by Prometheus, including parsing and storing; one "
        f"program after the other, every {interval:g} s, without the first scrape, which creates the series."
    )
    return Section("Prometheus scraping", rows, [note])


def _measure_with_prometheus(directory: Path, url: str, interval: float) -> float:
    config = scraping(url.removesuffix("/metrics"), interval=f"{interval * 1000:.0f}ms")
    with monitoring(directory, config) as prometheus:
        enough = f"count_over_time(scrape_duration_seconds[1h]) > {_SCRAPES}"
        prometheus.wait_for(enough, _TIMEOUT)
        (series,) = prometheus.api("query", query="scrape_duration_seconds[1h]")["result"]
    return statistics.median(float(value) for _, value in series["values"][1:])
