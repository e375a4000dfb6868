"""The numbers of docs/performance.md that follow from the results of the benchmarks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.results import Table, find_cell, group_digits

REQUESTS_PER_HOUR, REQUESTS_PER_TEMPLATE = 75, 4
"""Requests of a deployment per hour with the default config, and those for each template."""
SERIES_PER_PROCESS = 100_000
_BY_SIZE = "Deployments by size"
_BYTES_PER_YEAR = 2 * 60 * 24 * 365
"""Of a series: two bytes per sample, one scrape per minute."""

Tables = Mapping[str, Table]


@dataclass(frozen=True, slots=True)
class Plan:
    """A number of deployments, each with these users and templates."""

    deployments: int
    users: int
    templates: int


PLANS = (
    Plan(1, 1_000, 50),
    Plan(1, 10_000, 150),
    Plan(1, 50_000, 10),
    Plan(50, 20, 5),
    Plan(50, 200, 20),
    Plan(50, 1_000, 50),
    Plan(2_000, 5, 5),
    Plan(2_000, 50, 5),
)


def render_configs(tables: Tables) -> str:
    """Return the series that each config leaves."""
    (_, series), *rows = tables["Series by config"]
    lines = "".join(f"| {config} | {group_digits(count)} |\n" for config, count in rows)
    return f"| config | {series} |\n|---|---|\n{lines}"


def render_sizes(tables: Tables) -> str:
    """Return the costs of one deployment by size, and what follows for templates and responses."""
    header, *rows = tables[_BY_SIZE]
    lines = "".join(f"| {' | '.join(map(group_digits, row))} |\n" for row in rows)
    per_template = _list_series_per_template(rows)
    plain, packed = (_format_size_range(rows, column) for column in (4, 5))
    return f"""\
| {" | ".join(header)} |
|{"---|" * len(header)}
{lines}
A further template adds {min(per_template):.0f} to {max(per_template):.0f} series, more if it has more users.
{SERIES_PER_PROCESS:,} series are a response of {plain} MiB, or {packed} MiB compressed.
"""


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


def render_plans(tables: Tables) -> str:
    """Return the series, shards, requests and disk space of each plan."""
    _, *rows = tables[_BY_SIZE]
    series = {row[:2]: int(row[2]) for row in rows}
    lines = "".join(_render_plan(plan, series[f"{plan.users}", f"{plan.templates}"]) for plan in PLANS)
    return f"""\
| deployments | users of each | templates of each | series | shards | requests on one Coder | on all | disk |
|---|---|---|---|---|---|---|---|
{lines}"""


def _list_series_per_template(rows: Table) -> Sequence[float]:
    """Return the series of each further template, from the rows that have the same users."""
    sizes = [(row[0], int(row[1]), int(row[2])) for row in rows]
    return [
        (more_series - series) / (more - templates)
        for (users, templates, series), (same_users, more, more_series) in pairwise(sizes)
        if users == same_users
    ]


def _format_size_range(rows: Table, column: int) -> str:
    """Return the lowest and the highest size of `SERIES_PER_PROCESS` series, in MiB."""
    sizes = [_parse_number(row[column]) / 1024 / int(row[2]) * SERIES_PER_PROCESS for row in rows]
    return f"{min(sizes):.0f} to {max(sizes):.0f}"


def _render_plan(plan: Plan, series: int) -> str:
    """Return the row of a plan, from the series of one deployment."""
    total = plan.deployments * series
    per_hour = REQUESTS_PER_HOUR + REQUESTS_PER_TEMPLATE * plan.templates
    shards = max(1, math.ceil(round(total / SERIES_PER_PROCESS, 1)))
    on_all = (
        f"{per_hour * plan.deployments / 3600:.2g}/s" if plan.deployments > 1 else f"{per_hour / 60:.2g}/min"
    )
    cells = (
        f"{plan.deployments:,}",
        f"{plan.users:,}",
        f"{plan.templates:,}",
        f"{_round(total, 3) if plan.deployments > 1 else total:,}",
        f"{shards}",
        f"{per_hour / 60:.2g}/min",
        on_all,
        f"{_round(total * _BYTES_PER_YEAR / 1e9, 2):,} GB",
    )
    return f"| {' | '.join(cells)} |\n"


def _round(number: float, digits: int) -> int:
    """Return the number with this many significant digits."""
    return round(float(f"{number:.{digits}g}"))


def _parse_number(text: str) -> float:
    return float(text.split(maxsplit=1)[0])


def _parse_mib(text: str) -> float:
    return float(text.removesuffix(" MiB"))
