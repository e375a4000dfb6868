"""Write the numbers of benchmarks/RESULTS.md that the pages of the documentation quote.

Each page has one or more blocks between two markers; text outside them is kept.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.results import Table, find_cell, group_digits, read_tables
from scripts.sizing_docs import render_configs, render_many_deployments, render_plans, render_sizes

ROOT = Path(__file__).resolve().parents[1]
RESULTS = "benchmarks/RESULTS.md"
BEGIN = "<!-- The numbers below are written from benchmarks/RESULTS.md by `make docs`. -->\n"
END = "<!-- end of the numbers -->\n"
_BLOCK = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
_PARAMETERS = {"default": "without", "gauges": "with"}
_WITH_OR_WITHOUT = "with or without"

Tables = Mapping[str, Table]


def render() -> Mapping[str, str]:
    """Return the text of the pages, by path.

    Raises:
        LookupError: The results lack a section or a row that a page quotes.
        ValueError: A page has another number of blocks.
    """
    tables = read_tables((ROOT / RESULTS).read_text(encoding="utf-8"))
    return {
        path: _replace_blocks(path, [write(tables) for write in blocks]) for path, blocks in PAGES.items()
    }


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


def render_collectors(tables: Tables) -> str:
    """Return the series that collectors keep, with one row for those that keep the same."""
    _, *rows = tables["Collectors"]
    dates = sorted({row[-1] for row in rows})
    lines = "".join(
        f"| {', '.join(names)} | {parameter} | {' | '.join(map(group_digits, cells))} |\n"
        for (parameter, cells), names in _group_collectors(rows).items()
    )
    return f"""\
| collector | parameter | series | same | lost | changed | sent as increases | added |
|---|---|---|---|---|---|---|---|
{lines}
Compared on {" and ".join(dates)}.
"""


def _group_collectors(rows: Table) -> Mapping[tuple[str, Sequence[str]], Sequence[str]]:
    """Return the names of the collectors with the same numbers, by parameter and numbers."""
    by_collector: dict[str, dict[str, Sequence[str]]] = {}
    for name, form, *cells, _ in rows:
        by_collector.setdefault(name, {})[_PARAMETERS[form]] = tuple(cells)
    groups: dict[tuple[str, Sequence[str]], list[str]] = {}
    for name, forms in by_collector.items():
        same = len(set(forms.values())) < len(forms)
        for parameter, numbers in forms.items():
            names = groups.setdefault((_WITH_OR_WITHOUT if same else parameter, numbers), [])
            names += [] if name in names else [name]
    return groups


PAGES: Mapping[str, Sequence[Callable[[Tables], str]]] = {
    "docs/performance.md": (render_configs, render_sizes, render_many_deployments, render_plans),
    "docs/web-configuration.md": (render_tls,),
    "docs/collectors.md": (render_collectors,),
}
"""The blocks of each page, from top to bottom."""


def _replace_blocks(path: str, blocks: Sequence[str]) -> str:
    text = (ROOT / path).read_text(encoding="utf-8")
    found = len(_BLOCK.findall(text))
    if found != len(blocks):
        markers = f"each is between {BEGIN!r} and {END!r}"
        raise ValueError(f"{path} has {found} blocks of numbers instead of {len(blocks)}; {markers}")
    replacements = iter(blocks)
    return _BLOCK.sub(lambda _: f"{BEGIN}\n{next(replacements)}\n{END}", text)
