"""A year of history into a Prometheus; `python -m benchmarks.backfill PORT` is the Coder that it is of."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measure import cpu_seconds, peak
from benchmarks.results import Section, Verdict, megabytes
from benchmarks.servers import environment, module
from benchmarks.sizes import Sizes
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.integration.exporter import command

_USERS, _TEMPLATES = 200, 20
_MOST_MEMORY, _MOST_SECONDS = 200e6, 300.0
_LOOK = 0.05


@dataclass(slots=True)
class _Taken:
    """What the command was seen to take, promtool's own time apart."""

    memory: int = 0
    seconds: float = 0
    text: int = 0
    files: int = 0
    wall: float = 0


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Backfill one deployment without users, and import each month."""
    if shutil.which("promtool") is None:
        yield Section("History", [("what", "value")], ["Not measured: promtool is not installed."])
        return
    with module(directory / "coder", "backfill") as coder:
        taken, said = _run(directory, coder.url, sizes.history_days)
    samples = sum(
        int(line.split(" samples;")[0].split()[-1].replace(",", ""))
        for line in said.splitlines()
        if " samples;" in line
    )
    rows = [
        ("what", "value"),
        ("days", f"{sizes.history_days}"),
        ("samples, all found in Prometheus' blocks", f"{samples / 1e6:.1f} million"),
        ("processor time of the exporter", f"{taken.seconds:.0f} s"),
        ("wall time, promtool and Coder included", f"{taken.wall:.0f} s"),
        ("most memory of the exporter", megabytes(taken.memory)),
        ("most text on the disk at any time", f"{megabytes(taken.text)} in {taken.files} file"),
    ]
    verdicts = [
        Verdict(
            "history of a year: 5 min of processor", f"{taken.seconds:.0f} s", taken.seconds <= _MOST_SECONDS
        ),
        Verdict("history: 200 MB of memory", megabytes(taken.memory), taken.memory <= _MOST_MEMORY),
        Verdict("history: a month of text on the disk", f"{taken.files} file", taken.files <= 1),
    ]
    note = f"{_TEMPLATES} templates, no users; the embedded Coder and promtool run in processes of their own."
    yield Section("History", rows, [note], verdicts)


def _run(directory: Path, url: str, days: int) -> tuple[_Taken, str]:
    since = datetime.now(UTC).date() - timedelta(days=days)
    out, said = directory / "out", directory / "said.txt"
    words = (
        *(*command(), "backfill", f"--since={since}", f"--output={out}", "--requests-per-minute=600000"),
        *("--import", f"--tsdb={directory / 'data'}"),
    )
    env = environment(directory) | {"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN}
    with said.open("wb") as file:
        process = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=file)
        taken = _watched(process, out)
    text = said.read_text(encoding="utf-8")
    if process.returncode:
        raise RuntimeError(f"backfill ended with {process.returncode}:\n{text}")
    return taken, text


def _watched(process: subprocess.Popen[bytes], out: Path) -> _Taken:
    """Look at a process until it ends."""
    taken, started = _Taken(), time.monotonic()
    while process.poll() is None:
        try:
            taken.seconds = cpu_seconds(process.pid)
            taken.memory = max(taken.memory, peak(process.pid))
        except (KeyError, FileNotFoundError):  # it ended just now
            continue
        sizes = list(_sizes(out))
        taken.text, taken.files = max(taken.text, sum(sizes)), max(taken.files, len(sizes))
        time.sleep(_LOOK)
    taken.wall = time.monotonic() - started
    return taken


def _sizes(out: Path) -> Iterator[int]:
    """Yield the sizes of the files with text, finished or not."""
    for path in [*out.glob("*/*.om"), *out.glob("*/.*.om.part")]:
        try:
            yield path.stat().st_size
        except FileNotFoundError:
            continue


def main() -> None:
    """Serve a Coder without a rate limit, until SIGTERM."""
    population = Population(users=_USERS, templates=_TEMPLATES)
    with serve(EmbeddedCoder(population=population, rate_limit=-1), int(sys.argv[1])):
        threading.Event().wait()


if __name__ == "__main__":
    main()
