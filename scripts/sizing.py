"""Measure the costs of Coder deployments by size: `python -m scripts.sizing 1000:50 10000:150 50000:200`.

Each argument is USERS:TEMPLATES of sample data. A new exporter process polls each
once, with the default config except for the request rate. The table lists its series,
exposition, requests, CPU time and memory; docs/performance.md contains it.
"""

import gzip
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from resource import struct_rusage
from tempfile import TemporaryDirectory

from benchmarks.results import MEBIBYTE
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve

PROGRAM = """\
import atexit, os, pathlib
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: pathlib.Path(os.environ["STATUS_FILE"]).write_text(status.read_text()))
from insights_exporter.cli import main
main()
"""
CONFIG = """\
deployments:
  - name: sized
    url: {url}
    token_env: TOKEN
    requests_per_minute: 100000
    timeout: 10m
    users: {{detail: {detail}}}
"""
DETAILS = ("named", "aggregate")


def measure(users: int, templates: int, detail: str) -> Mapping[str, str]:
    """Poll a deployment once and return its costs, by the headings of the table."""
    population = Population(seed=1, users=users, templates=templates)
    coder = EmbeddedCoder(population=population, rate_limit=-1)
    with TemporaryDirectory() as temporary, serve(coder) as url:
        folder = Path(temporary)
        (folder / "config.yml").write_text(CONFIG.format(url=url, detail=detail), encoding="utf-8")
        usage = scrape(folder)
        exposition = (folder / "metrics").read_bytes()
        peak_kib = peak_memory((folder / "status").read_text(encoding="utf-8"))
    series = sum(1 for line in exposition.splitlines() if line and not line.startswith(b"#"))
    return {
        "users": f"{users}",
        "templates": f"{templates}",
        "detail": detail,
        "series": f"{series}",
        "page MiB": f"{len(exposition) / MEBIBYTE:.2f}",
        "gzip MiB": f"{len(gzip.compress(exposition, 1)) / MEBIBYTE:.2f}",
        "requests": f"{len(coder.requests)}",
        "CPU s": f"{usage.ru_utime + usage.ru_stime:.1f}",
        "peak MiB": f"{peak_kib / 1024:.0f}",
    }


def scrape(folder: Path) -> struct_rusage:
    """Poll once into `folder` in a new process and return its resource usage.

    Raises:
        RuntimeError: the exporter failed; its log contains the reason.
    """
    command = [sys.executable, "-c", PROGRAM, "scrape"]
    files = [f"--config.file={folder / 'config.yml'}", f"--output={folder / 'metrics'}"]
    env = {**os.environ, "TOKEN": DEMO_TOKEN, "STATUS_FILE": str(folder / "status")}
    child = os.posix_spawn(sys.executable, [*command, *files], env)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"the exporter exited with status {os.waitstatus_to_exitcode(status)}")
    return usage


def peak_memory(status: str) -> int:
    """Return the peak in KiB from the text of /proc/PID/status.

    `ru_maxrss` is not used: it contains the peak of the process that started the child.
    """
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def render_lines(sizes: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table, each as soon as it is measured."""
    for number, (size, detail) in enumerate((size, detail) for size in sizes for detail in DETAILS):
        users, templates = map(int, size.split(":"))
        cells = measure(users, templates, detail)
        if not number:
            yield f"| {' | '.join(cells)} |"
            yield "|" + "---|" * len(cells)
        yield f"| {' | '.join(cells.values())} |"


def main() -> None:
    """Print the table."""
    for line in render_lines(sys.argv[1:]):
        print(line, flush=True)


if __name__ == "__main__":
    main()
