"""Backfill of a year into Prometheus; `python -m benchmarks.backfill PORT` serves the embedded Coder."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measure import read_cpu_seconds, read_peak
from benchmarks.results import MEBIBYTE, Section, Verdict, format_mib
from benchmarks.servers import build_environment, run_module
from benchmarks.sizes import Sizes
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.integration.exporter import command

_USERS, _TEMPLATES = 200, 20
_MOST_MEMORY, _MOST_SECONDS = 200 * MEBIBYTE, 300.0
_SAMPLE_INTERVAL = 0.05


@dataclass(slots=True)
class _Usage:
    """Resource usage of the command, without promtool's CPU time."""

    memory: int = 0
    seconds: float = 0
    text: int = 0
    files: int = 0
    wall: float = 0


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Backfill one deployment without users, and import each month."""
    if shutil.which("promtool") is None:
        yield Section("Backfill", [("measurement", "value")], ["Not measured: promtool is not installed."])
        return
    with run_module(directory / "coder", "backfill") as coder:
        usage, log = _run(directory, coder.url, sizes.history_days)
    samples = sum(
        int(line.split(" samples;")[0].split()[-1].replace(",", ""))
        for line in log.splitlines()
        if " samples;" in line
    )
    rows = [
        ("measurement", "value"),
        ("days", f"{sizes.history_days}"),
        ("samples, all in Prometheus' blocks", f"{samples / 1e6:.1f} million"),
        ("CPU time of the exporter", f"{usage.seconds:.0f} s"),
        ("wall-clock time, including promtool and Coder", f"{usage.wall:.0f} s"),
        ("peak memory of the exporter", format_mib(usage.memory)),
        ("largest size of OpenMetrics text on disk", f"{format_mib(usage.text)} in {usage.files} file"),
    ]
    verdicts = [
        Verdict(
            "backfill of a year: 5 min of CPU time", f"{usage.seconds:.0f} s", usage.seconds <= _MOST_SECONDS
        ),
        Verdict("backfill: 200 MiB of memory", format_mib(usage.memory), usage.memory <= _MOST_MEMORY),
        Verdict("backfill: at most one month of text on disk", f"{usage.files} file", usage.files <= 1),
    ]
    note = f"{_TEMPLATES} templates, no users; the embedded Coder and promtool run in separate processes."
    yield Section("Backfill", rows, [note], verdicts)


def _run(directory: Path, url: str, days: int) -> tuple[_Usage, str]:
    since = datetime.now(UTC).date() - timedelta(days=days)
    out, log = directory / "out", directory / "log.txt"
    command_line = (
        *(*command(), "backfill", f"--since={since}", f"--output={out}", "--requests-per-minute=600000"),
        *("--import", f"--tsdb={directory / 'data'}"),
    )
    env = build_environment(directory) | {"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN}
    with log.open("wb") as file:
        process = subprocess.Popen(command_line, env=env, stdout=subprocess.DEVNULL, stderr=file)
        usage = _observe(process, out)
    text = log.read_text(encoding="utf-8")
    if process.returncode:
        raise RuntimeError(f"backfill exited with {process.returncode}:\n{text}")
    return usage, text


def _observe(process: subprocess.Popen[bytes], out: Path) -> _Usage:
    """Sample a process and its output files until it exits."""
    usage, started = _Usage(), time.monotonic()
    while process.poll() is None:
        try:
            usage.seconds = read_cpu_seconds(process.pid)
            usage.memory = max(usage.memory, read_peak(process.pid))
        except (KeyError, FileNotFoundError):  # it has just exited
            continue
        sizes = list(_list_sizes(out))
        usage.text, usage.files = max(usage.text, sum(sizes)), max(usage.files, len(sizes))
        time.sleep(_SAMPLE_INTERVAL)
    usage.wall = time.monotonic() - started
    return usage


def _list_sizes(out: Path) -> Iterator[int]:
    """Yield the sizes of the OpenMetrics files, complete or partial."""
    for path in [*out.glob("*/*.om"), *out.glob("*/.*.om.part")]:
        try:
            yield path.stat().st_size
        except FileNotFoundError:
            continue


def main() -> None:
    """Serve an embedded Coder without a rate limit until SIGTERM."""
    population = Population(users=_USERS, templates=_TEMPLATES)
    with serve(EmbeddedCoder(population=population, rate_limit=-1), int(sys.argv[1])):
        threading.Event().wait()


if __name__ == "__main__":
    main()
