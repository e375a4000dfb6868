"""A value that is set to null, as one with nothing after its colon, has its default."""

import copy
import json
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.chart_values import Value, read
from tests.helm.chart import CHART, SWITCHES, Values, render_objects, render_text
from tests.helm.variants import render_variants

VALUES = read((CHART / "values.yaml").read_text(encoding="utf-8"))
BASES: Mapping[str, dict[str, Any]] = {
    "everything": {switch: {"enabled": True} for switch in SWITCHES if switch != "sharding"},
    "sharding": {"sharding": {"enabled": True}, "scrapeConfig": {"enabled": True}},
}


def list_paths(values: Mapping[str, Value]) -> Iterator[tuple[str, ...]]:
    """Yield the path of each value and of each map of values."""
    for value in values.values():
        yield tuple(value.path.split("."))
        yield from list_paths(value.children)


def set_null(base: Values, path: tuple[str, ...]) -> dict[str, Any]:
    """Return the values with null at `path`."""
    changed: dict[str, Any] = copy.deepcopy(dict(base))
    place = changed
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = None
    return changed


def remove(base: Values, path: tuple[str, ...]) -> dict[str, Any]:
    """Return the values without `path`."""
    kept = {name: value for name, value in base.items() if name != path[0]}
    if len(path) > 1 and path[0] in base:
        kept[path[0]] = remove(base[path[0]], path[1:])
    return kept


@pytest.mark.parametrize("base", BASES.values(), ids=BASES.keys())
def test_one_null(base: Values, tmp_path: Path) -> None:
    """Null in the place of any value, or of a map of values, renders what its absence renders."""
    cases = {".".join(path): (remove(base, path), set_null(base, path)) for path in list_paths(VALUES)}
    rendered = render_variants([values for pair in cases.values() for values in pair], tmp_path)

    assert len(cases) > 200
    assert [] == [
        path
        for path, (absent, null) in cases.items()
        if rendered[json.dumps(absent)] != rendered[json.dumps(null)]
    ]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_everything_null(depth: int) -> None:
    """A file of nothing but nulls, for the chart itself, renders the defaults."""
    values: dict[str, Any] = {}
    for path in list_paths(VALUES):
        if len(path) == depth or (len(path) < depth and not has_children(path)):
            values = set_null(values, path)

    assert render_text() == render_text(values)


def has_children(path: tuple[str, ...]) -> bool:
    """Return whether the path is one of a map of values."""
    return any(each[: len(path)] == path and len(each) > len(path) for each in list_paths(VALUES))


def list_keys(default: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 -- of any type
    """Yield the paths of all keys within a default."""
    if isinstance(default, dict):
        for name, value in default.items():
            yield (*path, name)
            yield from list_keys(value, (*path, name))


def test_null_within_a_value(tmp_path: Path) -> None:
    """Null for each key within a value that is a map, and for all of its keys, renders."""
    leaves = [leaf for value in VALUES.values() for leaf in value.leaves()]
    within = [(each,) for leaf in leaves for each in list_keys(leaf.default, tuple(leaf.path.split(".")))]
    at_once = [
        tuple((*leaf.path.split("."), name) for name in leaf.default)
        for leaf in leaves
        if isinstance(leaf.default, dict) and leaf.default
    ]
    cases = [reduce(set_null, nulls, BASES["everything"]) for nulls in (*within, *at_once)]
    rendered = render_variants(cases, tmp_path)

    assert len(cases) > 25
    for case in cases:
        list(yaml.load_all(rendered[json.dumps(case)].replace("# Source", "---\n# Source"), yaml.CSafeLoader))


def test_no_deployments() -> None:
    """Null for the deployments, which are a key within `config`, is the same as none."""
    assert render_text() == render_text({"config": {"deployments": None}})


def test_null_in_a_map_of_kubernetes() -> None:
    """Within a value that is a map, null removes a key, as with any chart."""
    values = {"podSecurityContext": {"runAsUser": None}, "resources": {"requests": None}}
    (workload,) = [each for each in render_objects(values) if each["kind"] == "Deployment"]
    pod = workload["spec"]["template"]["spec"]

    assert "runAsUser" not in pod["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert {} == pod["containers"][0]["resources"]


def test_each_template_reads_the_defaults() -> None:
    """Helm orders templates as it likes, so that each of them fills absent values first."""
    templates = [path for path in (CHART / "templates").rglob("*") if path.suffix in {".yaml", ".txt"}]
    opening = '{{- include "insights-exporter.defaults" . -}}\n'

    assert [] == [each.name for each in templates if not each.read_text(encoding="utf-8").startswith(opening)]
