"""Time from start to the first complete `/metrics` response and to `--help`, and memory soon after."""

import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.config import write_full_config
from benchmarks.measure import read_cpu_seconds, read_resident
from benchmarks.results import MEBIBYTE, Section, Verdict, format_mib, format_ms
from benchmarks.servers import build_environment, has_polled_all, run_exporter, run_module, wait_until
from benchmarks.sizes import Sizes
from insights_exporter.demo import DEMO_TOKEN
from tests.integration.exporter import command

_LONGEST_START, _LONGEST_HELP = 2.0, 0.3
_MOST_AT_REST = 56 * MEBIBYTE


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Start the exporter several times; the first start is a warm-up."""
    with run_module(directory / "coder", "embedded_coders", "1") as coder:
        config = write_full_config(directory / "config.yml", {"coder": f"{coder.url}/0"}, DEMO_TOKEN)
        at_rest = _measure_at_rest(sizes, directory, config)
        starts = [_time_first_scrape(directory, config) for _ in range(sizes.starts + 1)][1:]
    full, worked = map(statistics.median, zip(*starts, strict=True))
    helped = statistics.median([_time_help(directory) for _ in range(sizes.starts + 1)][1:])
    rows = [
        ("measurement", "value"),
        ("start to the first complete `/metrics` response", format_ms(full)),
        ("CPU time of the exporter until then", format_ms(worked)),
        ("insights-exporter --help", format_ms(helped)),
        (f"memory {sizes.idle_seconds} s after the first polls", format_mib(at_rest)),
    ]
    verdicts = [
        Verdict(
            "start to the first complete `/metrics` response: 2 s", format_ms(full), full <= _LONGEST_START
        ),
        Verdict("--help: 300 ms", format_ms(helped), helped <= _LONGEST_HELP),
        Verdict(
            "idle memory with one deployment: 56 MiB",
            f"{at_rest / MEBIBYTE:.1f} MiB",
            at_rest <= _MOST_AT_REST,
        ),
    ]
    note = "Includes Python's own start and imports; the embedded Coder runs in another process."
    yield Section("Startup", rows, [note], verdicts)


def _time_first_scrape(directory: Path, config: Path) -> tuple[float, float]:
    """Return the seconds until every poll has succeeded, and the CPU seconds used."""
    started = time.perf_counter()
    with run_exporter(directory / "exporter", config) as ours:
        wait_until(lambda: has_polled_all(ours))
        return time.perf_counter() - started, read_cpu_seconds(ours.running.process.pid)


def _measure_at_rest(sizes: Sizes, directory: Path, config: Path) -> int:
    with run_exporter(directory / "rest", config) as ours:
        wait_until(lambda: has_polled_all(ours))
        time.sleep(sizes.idle_seconds)
        return read_resident(ours.running.process.pid)


def _time_help(directory: Path) -> float:
    started = time.perf_counter()
    words = [*command(), "--help"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=build_environment(directory))
    return time.perf_counter() - started
