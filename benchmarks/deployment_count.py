"""The same series in one deployment or in many."""

import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.client import ResponseStats, compute_median, read_in_turns
from benchmarks.config import write_latency_config
from benchmarks.measure import read_main_thread_seconds
from benchmarks.results import Section, Verdict, format_ms, format_ratio
from benchmarks.servers import Server, read_scrape_url, run_exporter, run_module, wait_until
from benchmarks.sizes import Sizes
from tests.integration.exporter import Exporter

_DIFFERENCE = 1.2
_TIMES_AS_MANY = 4
"""Small differences need more scrapes to be significant."""
_PROCESSES = 3
"""Memory layout makes a process up to 20% faster or slower, so several are measured."""


class Scrapes(NamedTuple):
    """Durations of scrapes, and CPU seconds per scrape of each process."""

    plain: list[ResponseStats]
    packed: list[ResponseStats]
    costs: list[float]


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Scrape exporters with few and with many deployments in turn."""
    found: dict[str, Scrapes] = {}
    for number in range(_PROCESSES):
        series = _scrape_all(sizes, directory / f"{number}", found)
    rows: list[tuple[str, ...]] = [("deployments", "plain", "gzip", "CPU time")]
    medians = {
        name: (compute_median(each.plain), compute_median(each.packed), statistics.median(each.costs))
        for name, each in found.items()
    }
    rows += [(name, *map(format_ms, each)) for name, each in medians.items()]
    note = (
        f"{series} series in total, {_PROCESSES} processes for each number. "
        "CPU time: of the thread that responds, for one plain and one compressed scrape."
    )
    yield Section("One or many deployments with the same series", rows, [note], [_build_verdict(medians)])


def _scrape_all(sizes: Sizes, directory: Path, found: dict[str, Scrapes]) -> int:
    """Measure new processes and add their values to `found`; return the number of series."""
    rounds = _TIMES_AS_MANY * sizes.rounds
    with ExitStack() as stack:
        alone = _start(stack, directory, 1, sizes.users)
        series = _count_series(alone)
        servers = {"1": read_scrape_url(alone)}
        for count in sizes.deployment_counts:
            users = (series // count - (series - 2 * sizes.users)) // 2
            servers[f"{count}"] = read_scrape_url(_start(stack, directory, count, users))
        urls, before = {name: server.url for name, server in servers.items()}, _read_cpu_seconds(servers)
        plain, packed = (read_in_turns(urls, rounds, gzip=gzip) for gzip in (False, True))
        used = _read_cpu_seconds(servers)
    for name in servers:
        so_far = found.setdefault(name, Scrapes([], [], []))
        so_far.plain.extend(plain[name])
        so_far.packed.extend(packed[name])
        so_far.costs.append((used[name] - before[name]) / (rounds + 1))
    return series


def _start(stack: ExitStack, directory: Path, count: int, users: int) -> Exporter:
    home = directory / f"of-{count}"
    coder = stack.enter_context(run_module(home / "coder", "static_coder", f"{users}"))
    urls = {f"dev-{number}": f"{coder.url}/{number}" for number in range(count)}
    ours = stack.enter_context(
        run_exporter(home / "exporter", write_latency_config(home / "config.yml", urls))
    )
    wait_until(lambda: _count_series(ours) > 2 * users * count)
    return ours


def _count_series(ours: Exporter) -> int:
    """Return the number of series with a deployment label, including those about polls."""
    return ours.page().count('deployment="')


def _read_cpu_seconds(servers: Mapping[str, Server]) -> Mapping[str, float]:
    return {name: read_main_thread_seconds(server.pid) for name, server in servers.items()}


def _build_verdict(found: Mapping[str, tuple[float, float, float]]) -> Verdict:
    ratios = [max(column) / min(column) for column in zip(*found.values(), strict=True)]
    plain, packed, cost = (format_ratio(ratio, 1) for ratio in ratios)
    target = f"scrape of {', '.join(found)} deployments with the same series: within 20%"
    reached = f"slowest to fastest: plain {plain}, gzip {packed}, CPU time {cost}"
    return Verdict(target, reached, max(ratios) <= _DIFFERENCE)
