"""The numbers of docs/performance.md that follow from the results of the benchmarks."""

from collections.abc import Mapping

from benchmarks.results import MEBIBYTE, Table, find_cell, group_digits

_UNITS = {"MB": 1e6, "MiB": MEBIBYTE}

Tables = Mapping[str, Table]


def render_many_deployments(tables: Tables) -> str:
    """Return the costs of many deployments in one process."""
    (_, name), *rows = tables["Many deployments"]
    count = _parse_number(name)
    cores = _parse_number(find_cell(tables, "Many deployments", "CPU cores used"))
    idle = _parse_mib(find_cell(tables, "Startup", "memory 60 s after the first polls"))
    each = (_parse_mib(find_cell(tables, "Many deployments", "memory")) - idle) / count
    plain, encrypted = (
        _parse_mib(find_cell(tables, "HTTPS to Coder", url)) for url in ("http://", "https://")
    )
    lines = "".join(f"| {row} | {group_digits(value)} |\n" for row, value in rows)
    return f"""\
| measurement | {name} |
|---|---|
{lines}
A process needs {idle:.0f} MiB with one deployment ("Startup" in the results), and {each:.1f} MiB per further
deployment. 100 such deployments take {100 * cores / count:.0%} of a core. If a URL begins with `https://`,
the process needs about {encrypted - plain:.0f} MiB more ("HTTPS to Coder").
"""


def _parse_number(text: str) -> float:
    return float(text.split(maxsplit=1)[0])


def _parse_mib(text: str) -> float:
    """Return a size in MiB; older results have MB."""
    number, unit = text.split()
    return float(number) * _UNITS[unit] / MEBIBYTE
