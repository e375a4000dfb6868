"""The numbers at which colors change and alerts fire are defined in one place."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grafana.dashboard_files import ROOT

SOURCES = sorted((ROOT / "grafana").glob("dashboards_src/*.py")) + sorted(
    (ROOT / "grafana").glob("rules/*.py")
)

SATURDAY = "6"

each = pytest.mark.parametrize("source", SOURCES, ids=lambda file: f"{file.parent.name}/{file.stem}")


def is_number(node: ast.expr) -> bool:
    """Return whether an expression contains a literal number, alone or in a sum or product."""
    return any(isinstance(part, ast.Constant) and type(part.value) in {int, float} for part in ast.walk(node))


def find_bounds(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the expressions that bound a color: arguments in calls of `warn_...` and values of `Steps`."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id.startswith("warn_")
        ):
            yield from node.args
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.value, ast.Tuple)
            and "Steps" in ast.unparse(node.annotation)
        ):
            yield from (step.elts[0] for step in node.value.elts if isinstance(step, ast.Tuple))
        if isinstance(node, ast.keyword) and node.arg == "steps" and isinstance(node.value, ast.Tuple):
            yield from (step.elts[0] for step in node.value.elts if isinstance(step, ast.Tuple))


@each
def test_colors_change_at_thresholds_of_one_file(source: Path) -> None:
    """The colors of dashboards change at constants of thresholds.py only."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    numbers = [ast.unparse(node) for node in find_bounds(tree) if is_number(node)]

    assert [] == numbers


@each
def test_alerts_fire_at_thresholds_of_one_file(source: Path) -> None:
    """Alerts compare with constants of thresholds.py only, apart from 0, 1 and the days of the week."""
    compared = re.findall(r"(?:[<>]=?|==) (\d[\d.]*)", source.read_text(encoding="utf-8"))

    assert set() == set(compared) - {"0", "1", SATURDAY}
