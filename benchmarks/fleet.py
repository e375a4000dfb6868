"""One exporter with hundreds of deployments, all of them embedded Coders on this machine."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.client import Connection, quantile_of
from benchmarks.config import write_full_config
from benchmarks.measure import cpu_seconds, resident
from benchmarks.results import Section, Verdict, megabytes, milliseconds
from benchmarks.servers import all_polled, exporter, health, module, scrape_url, until
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
    with module(directory / "coders", "fake_coders", str(sizes.fleet)) as coders:
        urls = {f"dev-{number}": f"{coders.url}/{number}" for number in range(sizes.fleet)}
        config = write_full_config(directory / "config.yml", urls, DEMO_TOKEN)
        started = time.monotonic()
        with exporter(directory / "exporter", config) as ours:
            until(lambda: all_polled(ours), pause=_BETWEEN_CHECKS)
            filled = time.monotonic() - started
            observation = _observe(ours, sizes.fleet_seconds)
            oldest = time.time() - min(health(ours, "insights_exporter_last_success_timestamp_seconds"))
            good = health(ours, "insights_exporter_poll_success")
            memory, series = resident(ours.running.process.pid), ours.page().count("\n")
    failed = len(good) - sum(good)
    yield _section(sizes, observation, [oldest, failed], (filled, memory, series))


def _observe(ours: Exporter, seconds: float) -> Observation:
    pid, started = ours.running.process.pid, time.monotonic()
    cpu, requests = cpu_seconds(pid), _count_requests(ours)
    connection, scrapes = Connection(scrape_url(ours).url), list[float]()
    while time.monotonic() < started + seconds or len(scrapes) < _FEWEST_SCRAPES:
        scrapes.append(connection.get(gzip=True).seconds)
        time.sleep(min(_BETWEEN_SCRAPES, seconds / 10))
    connection.close()
    lasted = time.monotonic() - started
    return Observation(lasted, cpu_seconds(pid) - cpu, scrapes, _count_requests(ours) - requests)


def _section(
    sizes: Sizes, observation: Observation, lateness: list[float], others: tuple[float, int, int]
) -> Section:
    (oldest, failed), (filled, memory, series) = lateness, others
    cores, slowest = observation.cpu / observation.seconds, max(observation.scrapes)
    rows = [
        ("what", f"{sizes.fleet} deployments"),
        ("all polled for the first time after", f"{filled:.0f} s"),
        ("watched for", f"{observation.seconds:.0f} s, {observation.requests:.0f} requests to Coder"),
        ("processor, part of one core", f"{cores:.2f}"),
        ("oldest data at the end", f"{oldest:.0f} s, {failed:.0f} polls failing"),
        ("scrape (gzip), median", milliseconds(quantile_of(observation.scrapes, 0.5))),
        ("scrape, 99th percentile", milliseconds(quantile_of(observation.scrapes, 0.99))),
        ("scrape, slowest", f"{milliseconds(slowest)} of {len(observation.scrapes)}"),
        ("memory", megabytes(memory)),
        ("lines of the page", f"{series}"),
    ]
    name = f"{sizes.fleet} deployments, each polled every 5 minutes"
    verdicts = [
        Verdict(f"{name}: the schedule keeps up", rows[4][1], oldest <= _ON_TIME and not failed),
        Verdict(f"{name}: below one core", rows[3][1], cores < 1),
        Verdict(f"{name}: no scrape above 100 ms", rows[7][1], slowest <= _SLOWEST),
    ]
    note = "The Coders ran on the same machine in another process, and took their part of it."
    return Section("Many deployments", rows, [note], verdicts)


def _count_requests(ours: Exporter) -> float:
    return sum(health(ours, "insights_exporter_requests_total"))
