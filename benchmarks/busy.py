"""Scrape duration and memory with large polls every second, and memory over a thousand polls."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.client import Connection, quantile_of
from benchmarks.config import write_latency_config
from benchmarks.measure import peak, resident
from benchmarks.results import Section, Verdict, megabytes, milliseconds
from benchmarks.servers import all_polled, exporter, health, module, scrape_url, until
from benchmarks.sizes import Sizes
from tests.integration.exporter import Exporter

_OFTEN = "1s"
"""The shortest interval that the config allows."""
_RARELY = "1h"
_BETWEEN_SCRAPES = 0.02
_SLOWEST = 0.15
_MOST_BUSY, _MOST_AT_REST = 250e6, 150e6
_SMALL_ONES = 20
_SAMPLES = 20
_BETWEEN_SAMPLES = 0.05
_NO_GROWTH = 1.05
"""Maximum ratio of the memory after all polls to the memory after a tenth of them."""


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Poll a large deployment every second, then small deployments a thousand times."""
    with module(directory / "large", "fixtures", str(sizes.users)) as coder:
        yield _measure_busy(sizes, directory, coder.url)
    with module(directory / "small", "fixtures", str(sizes.small_users)) as coder:
        yield _measure_growth(sizes, directory, coder.url)


def _measure_busy(sizes: Sizes, directory: Path, url: str) -> Section:
    config = write_latency_config(directory / "busy.yml", {"coder": url}, _OFTEN)
    with exporter(directory / "busy", config, "--web.enable-lifecycle") as ours:
        until(lambda: all_polled(ours))
        seconds, polls = _scrape(sizes, ours)
        pid = ours.running.process.pid
        highest, at_rest = peak(pid), _measure_at_rest(sizes, ours, config, url)
    rows = [
        ("what", "while polls run", "at rest"),
        ("scrape, median", milliseconds(quantile_of(seconds, 0.5)), ""),
        ("scrape, 99th percentile", milliseconds(quantile_of(seconds, 0.99)), ""),
        ("scrape, slowest", milliseconds(max(seconds)), ""),
        ("memory", megabytes(highest), megabytes(at_rest)),
    ]
    note = f"{len(seconds)} scrapes, plain and gzip in turns, and {polls} polls of {sizes.users} users."
    slow = quantile_of(seconds, 0.99)
    verdicts = [
        Verdict("99th percentile of scrapes while polls run: 150 ms", milliseconds(slow), slow <= _SLOWEST),
        Verdict("most memory while such polls run: 250 MB", megabytes(highest), highest <= _MOST_BUSY),
        Verdict("memory at rest: 150 MB", megabytes(at_rest), at_rest <= _MOST_AT_REST),
    ]
    return Section("Scrapes while a poll comes every second", rows, [note], verdicts)


def _scrape(sizes: Sizes, ours: Exporter) -> tuple[list[float], int]:
    seconds: list[float] = []
    polls, end = _count_polls(ours), time.monotonic() + sizes.busy_seconds
    connection = Connection(scrape_url(ours).url)
    while time.monotonic() < end:
        seconds.append(connection.get(gzip=len(seconds) % 2 == 1).seconds)
        time.sleep(_BETWEEN_SCRAPES)
    connection.close()
    return seconds, _count_polls(ours) - polls


def _measure_at_rest(sizes: Sizes, ours: Exporter, config: Path, url: str) -> int:
    """Let the exporter poll once more and then pause; return its memory after a while."""
    write_latency_config(config, {"coder": url}, _RARELY)
    ours.running.process.send_signal(signal.SIGHUP)
    until(lambda: health(ours, "insights_exporter_poll_interval_seconds") == [3600.0])
    until(lambda: all_polled(ours))
    time.sleep(sizes.rest_seconds)
    return resident(ours.running.process.pid)


def _measure_growth(sizes: Sizes, directory: Path, url: str) -> Section:
    urls = {f"dev-{number}": f"{url}/{number}" for number in range(_SMALL_ONES)}
    config = write_latency_config(directory / "many.yml", urls, _OFTEN)
    early = sizes.small_polls // 10 + 1
    with exporter(directory / "many", config) as ours:
        pid = ours.running.process.pid
        until(lambda: _count_polls(ours) >= early)
        first = _lowest_memory(pid)
        until(lambda: _count_polls(ours) >= early + sizes.small_polls)
        last = _lowest_memory(pid)
    found = {early: megabytes(first), early + sizes.small_polls: megabytes(last)}
    rows = [("polls", "memory"), *((f"{polls}", memory) for polls, memory in found.items())]
    target = f"no growth over {sizes.small_polls} polls (5 % are noise)"
    verdict = Verdict(target, " to ".join(found.values()), last <= _NO_GROWTH * first)
    note = f"{_SMALL_ONES} deployments of {sizes.small_users} users, every value new at each poll."
    return Section("Memory over many polls", rows, [note], [verdict])


def _lowest_memory(pid: int) -> int:
    """Return the minimum of several samples: a running poll holds memory only temporarily."""
    samples: list[int] = []
    for _ in range(_SAMPLES):
        samples.append(resident(pid))
        time.sleep(_BETWEEN_SAMPLES)
    return min(samples)


def _count_polls(ours: Exporter) -> int:
    return round(sum(health(ours, "insights_exporter_requests_total")))
