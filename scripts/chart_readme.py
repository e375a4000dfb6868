"""Write the table of values in the chart's README.md from values.yaml."""

import json
from collections.abc import Mapping
from itertools import groupby

from scripts.chart_values import CHART, Value, read

PATH = "helm/insights-exporter/README.md"
BEGIN = "<!-- The tables below are generated from values.yaml by `make docs`. -->\n"
END = "<!-- end of the tables -->\n"


def render() -> Mapping[str, str]:
    """Return the text of the file, by its path; text outside the markers is kept."""
    before, _, rest = (CHART / "README.md").read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    values = read((CHART / "values.yaml").read_text(encoding="utf-8"))
    return {PATH: f"{before}{BEGIN}\n{tables(values)}\n{END}{after}"}


def tables(values: Mapping[str, Value]) -> str:
    """Return one table per section, in the order of the file."""
    leaves = [leaf for value in values.values() for leaf in value.leaves()]
    sections = groupby(leaves, lambda leaf: leaf.section)
    return "\n".join(_table(title, list(members)) for title, members in sections)


def _table(title: str, members: list[Value]) -> str:
    rows = "".join(f"| `{leaf.path}` | {_cell(leaf.about)} | {_default(leaf)} |\n" for leaf in members)
    return f"### {title}\n\n| value | meaning | default |\n|---|---|---|\n{rows}"


def _default(leaf: Value) -> str:
    return f"`{_cell(json.dumps(leaf.default, ensure_ascii=False))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
