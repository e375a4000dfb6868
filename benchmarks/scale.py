"""One exporter with hundreds of deployments, all of them embedded Coders on this machine."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.client import Connection, compute_quantile
from benchmarks.config import write_full_config
from benchmarks.measure import read_cpu_seconds, read_resident
from benchmarks.results import Section, Verdict, format_mib, format_ms
from benchmarks.servers import (
    fetch_values,
    has_polled_all,
    read_scrape_url,
    run_exporter,
    run_module,
    wait_until,
)
from benchmarks.sizes import Sizes
from insights_exporter.demo import DEMO_TOKEN
from tests.integration.exporter import Exporter

_EVERY = 300.0
_ON_TIME = _EVERY + 120.0
"""Polls start within a minute of their interval; another minute is for the poll itself."""
_BETWEEN_SCRAPES = 1.0
_BETWEEN_CHECKS = 2.0
_SLOWEST = 0.1
_FEWEST_SCRAPES = 3


@dataclass(frozen=True, slots=True)
class Observation:
    """Measurements of an exporter over a period, times in seconds."""

    seconds: float
    cpu: float
    scrapes: list[float] = field(default_factory=list)
    requests: float = 0.0


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Poll all deployments for one interval."""
    with run_module(directory / "coders", "embedded_coders", str(sizes.scale_deployments)) as coders:
        urls = {f"dev-{number}": f"{coders.url}/{number}" for number in range(sizes.scale_deployments)}
        config = write_full_config(directory / "config.yml", urls, DEMO_TOKEN)
        started = time.monotonic()
        with run_exporter(directory / "exporter", config) as ours:
            wait_until(lambda: has_polled_all(ours), pause=_BETWEEN_CHECKS)
            filled = time.monotonic() - started
            observation = _observe(ours, sizes.scale_seconds)
            oldest = time.time() - min(fetch_values(ours, "insights_exporter_last_success_timestamp_seconds"))
            good = fetch_values(ours, "insights_exporter_poll_success")
            memory, series = read_resident(ours.running.process.pid), ours.page().count("\n")
    failed = len(good) - sum(good)
    yield _build_section(sizes, observation, [oldest, failed], (filled, memory, series))


def _observe(ours: Exporter, seconds: float) -> Observation:
    pid, started = ours.running.process.pid, time.monotonic()
    cpu, requests = read_cpu_seconds(pid), _count_requests(ours)
    connection, scrapes = Connection(read_scrape_url(ours).url), list[float]()
    while time.monotonic() < started + seconds or len(scrapes) < _FEWEST_SCRAPES:
        scrapes.append(connection.get(gzip=True).seconds)
        time.sleep(min(_BETWEEN_SCRAPES, seconds / 10))
    connection.close()
    lasted = time.monotonic() - started
    return Observation(lasted, read_cpu_seconds(pid) - cpu, scrapes, _count_requests(ours) - requests)


def _build_section(
    sizes: Sizes, observation: Observation, lateness: list[float], others: tuple[float, int, int]
) -> Section:
    (oldest, failed), (filled, memory, series) = lateness, others
    cores, slowest = observation.cpu / observation.seconds, max(observation.scrapes)
    late = f"{oldest:.0f} s, {failed:.0f} polls failing"
    slow = f"{format_ms(slowest)} of {len(observation.scrapes)}"
    rows = [
        ("measurement", f"{sizes.scale_deployments} deployments"),
        ("time until all were polled once", f"{filled:.0f} s"),
        ("observed for", f"{observation.seconds:.0f} s, {observation.requests:.0f} requests to Coder"),
        ("CPU cores used", f"{cores:.2f}"),
        ("oldest data at the end", late),
        ("scrape (gzip), median", format_ms(compute_quantile(observation.scrapes, 0.5))),
        ("scrape, 99th percentile", format_ms(compute_quantile(observation.scrapes, 0.99))),
        ("scrape, slowest", slow),
        ("memory", format_mib(memory)),
        ("lines of the `/metrics` response", f"{series}"),
    ]
    name = f"{sizes.scale_deployments} deployments, each polled every 5 minutes"
    verdicts = [
        Verdict(f"{name}: the schedule keeps up", late, oldest <= _ON_TIME and not failed),
        Verdict(f"{name}: less than one core", f"{cores:.2f}", cores < 1),
        Verdict(f"{name}: no scrape above 100 ms", slow, slowest <= _SLOWEST),
    ]
    note = "The embedded Coders ran in another process on the same machine and used CPU time too."
    return Section("Many deployments", rows, [note], verdicts)


def _count_requests(ours: Exporter) -> float:
    return sum(fetch_values(ours, "insights_exporter_requests_total"))
