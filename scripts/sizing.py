"""Count what Coder deployments of several sizes cost: `python -m scripts.sizing 1000:50 10000:150 50000:200`.

Each word is USERS:TEMPLATES of sample data. An exporter of its own polls
it once, with the default settings but for the pace, and tells its series,
page, requests, processor time and memory; docs/performance.md shows the table.
"""

import gzip
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from resource import struct_rusage
from tempfile import TemporaryDirectory

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve

PROGRAM = "from insights_exporter.cli import main; main()"
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
MEBIBYTE = 2**20


def row(users: int, templates: int, detail: str) -> Mapping[str, str]:
    """Poll a company once and give what that cost, by the headings of the table."""
    population = Population(seed=1, users=users, templates=templates)
    coder = EmbeddedCoder(population=population, rate_limit=-1)
    with TemporaryDirectory() as folder, serve(coder) as url:
        room = Path(folder)
        (room / "config.yml").write_text(CONFIG.format(url=url, detail=detail), encoding="utf-8")
        usage = scrape(room)
        page = (room / "page").read_bytes()
    series = sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))
    return {
        "users": f"{users}",
        "templates": f"{templates}",
        "detail": detail,
        "series": f"{series}",
        "page MiB": f"{len(page) / MEBIBYTE:.2f}",
        "gzip MiB": f"{len(gzip.compress(page, 1)) / MEBIBYTE:.2f}",
        "requests": f"{len(coder.requests)}",
        "CPU s": f"{usage.ru_utime + usage.ru_stime:.1f}",
        "peak MiB": f"{usage.ru_maxrss / 1024:.0f}",
    }


def scrape(room: Path) -> struct_rusage:
    """Poll once into `room`, in a process of its own, and give what it used.

    Raises:
        RuntimeError: it failed; it has said why.
    """
    words = [sys.executable, "-c", PROGRAM, "scrape"]
    files = [f"--config.file={room / 'config.yml'}", f"--output={room / 'page'}"]
    child = os.posix_spawn(sys.executable, [*words, *files], {**os.environ, "TOKEN": DEMO_TOKEN})
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"the exporter ended with {os.waitstatus_to_exitcode(status)}")
    return usage


def lines(sizes: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table, each as soon as it is known."""
    for number, (size, detail) in enumerate((size, detail) for size in sizes for detail in DETAILS):
        users, templates = map(int, size.split(":"))
        cells = row(users, templates, detail)
        if not number:
            yield f"| {' | '.join(cells)} |"
            yield "|" + "---|" * len(cells)
        yield f"| {' | '.join(cells.values())} |"


def main() -> None:
    """Print the table."""
    for line in lines(sys.argv[1:]):
        print(line, flush=True)


if __name__ == "__main__":
    main()
