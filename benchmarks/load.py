"""Scrape duration and memory with large polls every second, and memory over a thousand polls."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.client import Connection, compute_quantile
from benchmarks.config import write_latency_config
from benchmarks.measure import read_peak, read_resident
from benchmarks.results import MEBIBYTE, Section, Verdict, format_mib, format_ms
from benchmarks.servers import (
    fetch_values,
    has_polled_all,
    read_scrape_url,
    run_exporter,
    run_module,
    wait_until,
)
from benchmarks.sizes import Sizes
from tests.integration.exporter import Exporter

_SHORTEST_INTERVAL = "1s"
"""The shortest interval that the config allows."""
_LONG_INTERVAL = "1h"
_BETWEEN_SCRAPES = 0.02
_SLOWEST = 0.15
_MOST_UNDER_LOAD, _MOST_AT_REST = 250 * MEBIBYTE, 150 * MEBIBYTE
_SMALL_DEPLOYMENTS = 20
_SAMPLES = 20
_BETWEEN_SAMPLES = 0.05
_NO_GROWTH = 1.05
"""Maximum ratio of the memory after all polls to the memory after a tenth of them."""


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Poll a large deployment every second, then small deployments a thousand times."""
    with run_module(directory / "large", "static_coder", str(sizes.users)) as coder:
        yield _measure_under_load(sizes, directory, coder.url)
    with run_module(directory / "small", "static_coder", str(sizes.small_users)) as coder:
        yield _measure_growth(sizes, directory, coder.url)


def _measure_under_load(sizes: Sizes, directory: Path, url: str) -> Section:
    config = write_latency_config(directory / "busy.yml", {"coder": url}, _SHORTEST_INTERVAL)
    with run_exporter(directory / "busy", config, "--web.enable-lifecycle") as ours:
        wait_until(lambda: has_polled_all(ours))
        seconds, polls = _scrape(sizes, ours)
        pid = ours.running.process.pid
        highest, at_rest = read_peak(pid), _measure_at_rest(sizes, ours, config, url)
    rows = [
        ("measurement", "while polls run", "idle"),
        ("scrape, median", format_ms(compute_quantile(seconds, 0.5)), ""),
        ("scrape, 99th percentile", format_ms(compute_quantile(seconds, 0.99)), ""),
        ("scrape, slowest", format_ms(max(seconds)), ""),
        ("memory", format_mib(highest), format_mib(at_rest)),
    ]
    note = f"{len(seconds)} scrapes, plain and gzip in turn, and {polls} polls of {sizes.users} users."
    slow = compute_quantile(seconds, 0.99)
    verdicts = [
        Verdict("99th percentile of scrapes while polls run: 150 ms", format_ms(slow), slow <= _SLOWEST),
        Verdict(
            "peak memory while such polls run: 250 MiB", format_mib(highest), highest <= _MOST_UNDER_LOAD
        ),
        Verdict("idle memory: 150 MiB", format_mib(at_rest), at_rest <= _MOST_AT_REST),
    ]
    return Section("Scrapes during a poll every second", rows, [note], verdicts)


def _scrape(sizes: Sizes, ours: Exporter) -> tuple[list[float], int]:
    seconds: list[float] = []
    polls, end = _count_polls(ours), time.monotonic() + sizes.load_seconds
    connection = Connection(read_scrape_url(ours).url)
    while time.monotonic() < end:
        seconds.append(connection.get(gzip=len(seconds) % 2 == 1).seconds)
        time.sleep(_BETWEEN_SCRAPES)
    connection.close()
    return seconds, _count_polls(ours) - polls


def _measure_at_rest(sizes: Sizes, ours: Exporter, config: Path, url: str) -> int:
    """Let the exporter poll once more and then pause; return its memory after a while."""
    write_latency_config(config, {"coder": url}, _LONG_INTERVAL)
    ours.running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: fetch_values(ours, "insights_exporter_poll_interval_seconds") == [3600.0])
    wait_until(lambda: has_polled_all(ours))
    time.sleep(sizes.rest_seconds)
    return read_resident(ours.running.process.pid)


def _measure_growth(sizes: Sizes, directory: Path, url: str) -> Section:
    urls = {f"dev-{number}": f"{url}/{number}" for number in range(_SMALL_DEPLOYMENTS)}
    config = write_latency_config(directory / "many.yml", urls, _SHORTEST_INTERVAL)
    early = sizes.small_polls // 10 + 1
    with run_exporter(directory / "many", config) as ours:
        pid = ours.running.process.pid
        wait_until(lambda: _count_polls(ours) >= early)
        first = _lowest_memory(pid)
        wait_until(lambda: _count_polls(ours) >= early + sizes.small_polls)
        last = _lowest_memory(pid)
    found = {early: format_mib(first), early + sizes.small_polls: format_mib(last)}
    rows = [("polls", "memory"), *((f"{polls}", memory) for polls, memory in found.items())]
    target = f"no growth over {sizes.small_polls} polls (5% tolerance)"
    verdict = Verdict(target, " to ".join(found.values()), last <= _NO_GROWTH * first)
    note = f"{_SMALL_DEPLOYMENTS} deployments of {sizes.small_users} users, every value changes at each poll."
    return Section("Memory over many polls", rows, [note], [verdict])


def _lowest_memory(pid: int) -> int:
    """Return the minimum of several samples: a running poll holds memory only temporarily."""
    samples: list[int] = []
    for _ in range(_SAMPLES):
        samples.append(read_resident(pid))
        time.sleep(_BETWEEN_SAMPLES)
    return min(samples)


def _count_polls(ours: Exporter) -> int:
    return round(sum(fetch_values(ours, "insights_exporter_requests_total")))
