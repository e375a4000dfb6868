"""Write the numbers of benchmarks/RESULTS.md that the pages of the documentation quote.

Each page has one block between two markers; text outside it is kept.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.results import MEBIBYTE, Table, read_tables

ROOT = Path(__file__).resolve().parents[1]
RESULTS = "benchmarks/RESULTS.md"
BEGIN = "<!-- The numbers below are written from benchmarks/RESULTS.md by `make docs`. -->\n"
END = "<!-- end of the numbers -->\n"
_UNITS = {"MB": 1e6, "MiB": MEBIBYTE}

Tables = Mapping[str, Table]


def render() -> Mapping[str, str]:
    """Return the text of the pages, by path.

    Raises:
        LookupError: The results lack a row that a page quotes.
        ValueError: A page has no markers.
    """
    tables = read_tables((ROOT / RESULTS).read_text(encoding="utf-8"))
    return {path: _replace_block(path, write(tables)) for path, write in PAGES.items()}


def render_sizing(tables: Tables) -> str:
    """Return the costs of many deployments in one process."""
    (_, name), *rows = tables["Many deployments"]
    count = _parse_number(name)
    cores = _parse_number(find_cell(tables, "Many deployments", "CPU cores used"))
    idle = _parse_mib(find_cell(tables, "Startup", "memory 60 s after the first polls"))
    memory = _parse_mib(find_cell(tables, "Many deployments", "memory"))
    more = (memory - idle) / count
    lines = "".join(f"| {row} | {_group_digits(value)} |\n" for row, value in rows)
    return f"""\
| measurement | {name} |
|---|---|
{lines}
A process needs {idle:.0f} MiB with one deployment ("Startup" in the results), and {more:.1f} MiB per further
deployment. 100 such deployments take {100 * cores / count:.0%} of a core.
"""


def render_tls(tables: Tables) -> str:
    """Return the costs of TLS."""
    rows = {row[:2]: row for row in tables["TLS"]}
    handshake = rows["insights-exporter", "new connection"][6]
    lines = ""
    for response in ("compressed", "uncompressed"):
        cells = [rows[name, response][column] for name in ("insights-exporter", "nginx") for column in (5, 6)]
        lines += f"| CPU time of a response, {response} | {' | '.join(cells)} |\n"
    plain, tls = (
        find_cell(tables, "TLS, scraped by Prometheus", program) for program in ("plain HTTP", "TLS")
    )
    return f"""\
| | plain HTTP | TLS | nginx, plain | nginx, TLS |
|---|---|---|---|---|
{lines}| CPU time of a new connection | | {handshake} more | | |
| scrape by Prometheus, as it measures | {plain} | {tls} | | |
"""


PAGES: Mapping[str, Callable[[Tables], str]] = {
    "docs/performance.md": render_sizing,
    "docs/web-configuration.md": render_tls,
}


def find_cell(tables: Tables, section: str, row: str, column: int = 1) -> str:
    """Return a cell of the row that begins with this text.

    Raises:
        LookupError: There is no such row.
    """
    for cells in tables.get(section, ()):
        if cells[0] == row:
            return cells[column]
    raise LookupError(f"{RESULTS} has no row {section}: {row}")


def _parse_number(text: str) -> float:
    return float(text.split(maxsplit=1)[0])


def _parse_mib(text: str) -> float:
    """Return a size in MiB; older results have MB."""
    number, unit = text.split()
    return float(number) * _UNITS[unit] / MEBIBYTE


def _group_digits(text: str) -> str:
    return re.sub(r"\d{4,}", lambda number: f"{int(number[0]):,}", text)


def _replace_block(path: str, block: str) -> str:
    before, begin, rest = (ROOT / path).read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no block of numbers; add {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n{block}\n{END}{after}"
