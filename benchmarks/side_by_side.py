"""Scrapes of the same series from each program, by a minimal client and by Prometheus."""

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.client import median, read_in_turns
from benchmarks.config import write_latency_config
from benchmarks.measure import children, peak
from benchmarks.peers import FILE_SERVER, available_peers, missing_peers, save_exposition
from benchmarks.results import Section, Verdict, megabytes, milliseconds, times
from benchmarks.servers import Server, all_polled, exporter, module, scrape_url, until
from benchmarks.sizes import Sizes
from scripts.install_test_deps import find
from tests.integration.prometheus import monitoring, scraping

OURS = "insights-exporter"
_FAST = (FILE_SERVER, OURS)
_TIMES_A_FILE, _OR_MORE_SECONDS = 1.3, 0.001
_SCRAPES = 3
_TIMEOUT = 90.0


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Compare all programs on this machine."""
    with run_all(sizes, directory) as servers:
        yield _scrape_section(sizes, servers)
        if find("prometheus"):
            chosen = dict(itertools.islice(servers.items(), sizes.prometheus_programs))
            yield _prometheus_section(sizes, directory, chosen)


@contextmanager
def run_all(sizes: Sizes, directory: Path) -> Iterator[Mapping[str, Server]]:
    """Run the exporter and its peers until the block ends, all with the exporter's series."""
    with ExitStack() as stack:
        coder = stack.enter_context(module(directory / "coder", "fixtures", str(sizes.users)))
        config = write_latency_config(directory / "config.yml", {"coder": coder.url})
        ours = stack.enter_context(exporter(directory / "exporter", config))
        until(lambda: all_polled(ours))
        server = scrape_url(ours)
        saved = save_exposition(server.url, directory, sizes.users)
        peers = {
            name: stack.enter_context(start(directory / name.split()[0], saved))
            for name, start in available_peers().items()
        }
        yield {OURS: server, **peers}


def _scrape_section(sizes: Sizes, servers: Mapping[str, Server]) -> Section:
    plain, packed = (_median_durations(sizes, servers, gzip=gzip) for gzip in (False, True))
    rows: list[tuple[str, ...]] = [("program", "plain", "to nginx", "gzip", "to nginx", "peak memory")]
    for name, server in servers.items():
        cells = [cell for found in (plain, packed) for cell in _format_cells(found, name)]
        used = sum(map(peak, (server.pid, *children(server.pid))))
        rows.append((name, *cells, megabytes(used)))
    rows += [(name, "missing", *[""] * 4) for name in missing_peers()]
    note = f"One scrape of {2 * sizes.users} series. nginx serves the bytes that the exporter made, as files."
    verdicts = [
        _verdict(format_, found)
        for format_, found in (("plain", plain), ("gzip", packed))
        if FILE_SERVER in found
    ]
    return Section("A scrape", rows, [note], verdicts)


def _median_durations(sizes: Sizes, servers: Mapping[str, Server], *, gzip: bool) -> Mapping[str, float]:
    fast = {name: server.url for name, server in servers.items() if name in _FAST}
    slow = {name: server.url for name, server in servers.items() if name not in _FAST}
    reads = read_in_turns(fast, sizes.rounds, gzip=gzip) | read_in_turns(slow, sizes.slow_rounds, gzip=gzip)
    return {name: median(each) for name, each in reads.items()}


def _format_cells(found: Mapping[str, float], name: str) -> Sequence[str]:
    ratio = times(found[name], found[FILE_SERVER]) if FILE_SERVER in found else ""
    return milliseconds(found[name]), ratio


def _verdict(format_: str, found: Mapping[str, float]) -> Verdict:
    file, ours = found[FILE_SERVER], found[OURS]
    target = f"scrape, {format_}: at most 1.3 x nginx with the same bytes, or nginx + 1 ms"
    reached = f"{times(ours, file)} x, {milliseconds(ours)} to {milliseconds(file)}"
    return Verdict(target, reached, ours <= max(_TIMES_A_FILE * file, file + _OR_MORE_SECONDS))


def _prometheus_section(sizes: Sizes, directory: Path, servers: Mapping[str, Server]) -> Section:
    interval = sizes.prometheus_interval
    found = {
        name: _scrape_duration(directory / f"prometheus-{number}", server.url, interval)
        for number, (name, server) in enumerate(servers.items())
    }
    rows: list[tuple[str, ...]] = [("program", "scrape_duration_seconds", "to nginx")]
    rows += [(name, *_format_cells(found, name)) for name in servers]
    note = (
        f"The median of {_SCRAPES} scrapes by Prometheus' own measure, parsing and storing counted in; one "
        f"program after the other, every {interval:g} s, without the first scrape, which makes the series."
    )
    return Section("Prometheus scraping", rows, [note])


def _scrape_duration(directory: Path, url: str, interval: float) -> float:
    config = scraping(url.removesuffix("/metrics"), interval=f"{interval * 1000:.0f}ms")
    with monitoring(directory, config) as prometheus:
        enough = f"count_over_time(scrape_duration_seconds[1h]) > {_SCRAPES}"
        prometheus.wait_for(enough, _TIMEOUT)
        (series,) = prometheus.api("query", query="scrape_duration_seconds[1h]")["result"]
    return statistics.median(float(value) for _, value in series["values"][1:])
