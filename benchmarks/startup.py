"""Time from start to the first complete `/metrics` response and to `--help`, and memory soon after.

The memory is also measured with a Coder that is reached over HTTPS.
"""

import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import peers
from benchmarks.config import write_full_config
from benchmarks.embedded_coders import USERS
from benchmarks.measure import read_cpu_seconds, read_resident
from benchmarks.results import MEBIBYTE, Section, Verdict, format_mib, format_ms
from benchmarks.servers import build_environment, has_polled_all, run_exporter, run_module, wait_until
from benchmarks.sizes import Sizes
from insights_exporter.demo import DEMO_TOKEN, Certificate, EmbeddedCoder, Population, serve
from tests.integration.exporter import command

_LONGEST_START, _LONGEST_HELP = 2.0, 0.3
_MOST_AT_REST = 56 * MEBIBYTE


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Start the exporter several times; the first start is a warm-up."""
    with run_module(directory / "coder", "embedded_coders", "1") as coder:
        config = write_full_config(directory / "config.yml", {"coder": f"{coder.url}/0"}, DEMO_TOKEN)
        plain, encrypted = _measure_at_rest(sizes, directory, config)
        starts = [_time_first_scrape(directory, config) for _ in range(sizes.starts + 1)][1:]
    full, worked = map(statistics.median, zip(*starts, strict=True))
    helped = statistics.median([_time_help(directory) for _ in range(sizes.starts + 1)][1:])
    memory = f"memory {sizes.idle_seconds} s after the first polls"
    rows = [
        ("measurement", "value"),
        ("start to the first complete `/metrics` response", format_ms(full)),
        ("CPU time of the exporter until then", format_ms(worked)),
        ("insights-exporter --help", format_ms(helped)),
        (memory, format_mib(plain)),
    ]
    verdicts = [
        Verdict(
            "start to the first complete `/metrics` response: 2 s", format_ms(full), full <= _LONGEST_START
        ),
        Verdict("--help: 300 ms", format_ms(helped), helped <= _LONGEST_HELP),
        Verdict("idle memory with one deployment: 56 MiB", format_mib(plain), plain <= _MOST_AT_REST),
    ]
    note = "Includes Python's own start and imports; the embedded Coder runs in another process."
    yield Section("Startup", rows, [note], verdicts)
    urls = [("URL of Coder", memory), ("http://", format_mib(plain)), ("https://", format_mib(encrypted))]
    yield Section("HTTPS to Coder", urls, ["One deployment in each process, both at the same time."])


def _time_first_scrape(directory: Path, config: Path) -> tuple[float, float]:
    """Return the seconds until every poll has succeeded, and the CPU seconds used."""
    started = time.perf_counter()
    with run_exporter(directory / "exporter", config) as ours:
        wait_until(lambda: has_polled_all(ours))
        return time.perf_counter() - started, read_cpu_seconds(ours.running.process.pid)


def _measure_at_rest(sizes: Sizes, directory: Path, config: Path) -> tuple[int, int]:
    """Return the memory of an exporter with this config, and of one that reaches Coder over HTTPS."""
    with (
        _serve_over_tls(directory) as url,
        run_exporter(directory / "plain", config) as plain,
        run_exporter(directory / "encrypted", _write_tls_config(directory, url)) as encrypted,
    ):
        wait_until(lambda: has_polled_all(plain) and has_polled_all(encrypted))
        time.sleep(sizes.idle_seconds)
        return read_resident(plain.running.process.pid), read_resident(encrypted.running.process.pid)


@contextmanager
def _serve_over_tls(directory: Path) -> Iterator[str]:
    """Serve the same sample data with a certificate."""
    files = peers.Certificate.create(directory)
    coder = EmbeddedCoder(population=Population(users=USERS))
    with serve(coder, certificate=Certificate(files.chain, files.key)) as url:
        yield url


def _write_tls_config(directory: Path, url: str) -> Path:
    """Write a config that accepts the certificate, and still loads the system's authorities as usual."""
    tls = {"insecure_skip_verify": True}
    return write_full_config(directory / "tls.yml", {"coder": url}, DEMO_TOKEN, tls=tls)


def _time_help(directory: Path) -> float:
    started = time.perf_counter()
    words = [*command(), "--help"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=build_environment(directory))
    return time.perf_counter() - started
