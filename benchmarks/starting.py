"""Time from start to the first complete `/metrics` response and to `--help`, and memory soon after."""

import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.config import write_full_config
from benchmarks.measure import cpu_seconds, resident
from benchmarks.results import Section, Verdict, megabytes, milliseconds
from benchmarks.servers import all_polled, environment, exporter, module, until
from benchmarks.sizes import Sizes
from insights_exporter.demo import DEMO_TOKEN
from tests.integration.exporter import command

_LONGEST_START, _LONGEST_HELP = 2.0, 0.3
_MOST_AT_REST = 56e6


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Start the exporter several times; the first start is a warm-up."""
    with module(directory / "coder", "fake_coders", "1") as coder:
        config = write_full_config(directory / "config.yml", {"coder": f"{coder.url}/0"}, DEMO_TOKEN)
        at_rest = _measure_at_rest(sizes, directory, config)
        starts = [_time_first_scrape(directory, config) for _ in range(sizes.starts + 1)][1:]
    full, worked = map(statistics.median, zip(*starts, strict=True))
    helped = statistics.median([_time_help(directory) for _ in range(sizes.starts + 1)][1:])
    rows = [
        ("what", "measured"),
        ("start to a page with every poll on it", milliseconds(full)),
        ("the exporter's processor time of that", milliseconds(worked)),
        ("insights-exporter --help", milliseconds(helped)),
        (f"memory {sizes.idle_seconds} s after the first round", megabytes(at_rest)),
    ]
    verdicts = [
        Verdict("start to the first full page: 2 s", milliseconds(full), full <= _LONGEST_START),
        Verdict("--help: 300 ms", milliseconds(helped), helped <= _LONGEST_HELP),
        Verdict("one deployment at rest: 56 MB", megabytes(at_rest), at_rest <= _MOST_AT_REST),
    ]
    note = "Imports and Python's own start are counted in; the embedded Coder runs in another process."
    yield Section("Start", rows, [note], verdicts)


def _time_first_scrape(directory: Path, config: Path) -> tuple[float, float]:
    """Return the seconds until every poll has succeeded, and the CPU seconds used."""
    started = time.perf_counter()
    with exporter(directory / "exporter", config) as ours:
        until(lambda: all_polled(ours))
        return time.perf_counter() - started, cpu_seconds(ours.running.process.pid)


def _measure_at_rest(sizes: Sizes, directory: Path, config: Path) -> int:
    with exporter(directory / "rest", config) as ours:
        until(lambda: all_polled(ours))
        time.sleep(sizes.idle_seconds)
        return resident(ours.running.process.pid)


def _time_help(directory: Path) -> float:
    started = time.perf_counter()
    words = [*command(), "--help"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment(directory))
    return time.perf_counter() - started
