"""The declared families of all datasets."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import insights_exporter
from insights_exporter.datasets.aggregate import ACTIVITY, LATENCY
from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.datasets.server_info import TOKEN_FAMILIES
from insights_exporter.exposition.family import MetricFamily

PACKAGE = Path(insights_exporter.__file__).parent
ALL = (*list_data_families(DATASETS), *TOKEN_FAMILIES)

LABELS_OF_DAYS = {"day", "week", "month"}

each_family = pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)


def test_families_are_declared_once() -> None:
    """No two families share a name, and those of each dataset are exposed."""
    assert [] == [name for name, times in Counter(family.name for family in ALL).items() if times > 1]
    declared = {family for dataset in DATASETS.values() for family in dataset.families}
    assert set() == declared - set(ALL)


def test_datasets_refer_to_datasets_of_the_registry() -> None:
    """All dependencies and lookups of a dataset are datasets of the registry."""
    named = {name for each in DATASETS.values() for name in (each.depends_on, each.looks_up) if name}

    assert set() == named - DATASETS.keys()


@each_family
def test_family_has_all_that_the_documentation_needs(family: MetricFamily) -> None:
    """Absence and an example of the family are there."""
    assert family.absent
    assert family.name in family.example


@each_family
def test_help_names_the_api_field_and_the_cache(family: MetricFamily) -> None:
    """HELP names the API field and states that the value is cached."""
    assert "(API: " in family.help
    assert "cached" in family.help
    assert family.help.endswith(".")


@each_family
def test_first_label_is_the_deployment(family: MetricFamily) -> None:
    """Each series has a deployment, and no label repeats."""
    assert "deployment" == family.labels[0]
    assert len(family.labels) == len(set(family.labels))


@each_family
def test_what_names_a_day_ends_at_midnight(family: MetricFamily) -> None:
    """Families with `today`, `yesterday` or `last` expire at midnight."""
    assert bool(LABELS_OF_DAYS & set(family.labels)) == family.expires_at_midnight


def test_bounds_are_stable() -> None:
    """The bounds are part of the interface."""
    assert (900, 1800, 3600, 7200, 14400, 28800, 57600, 86400, 144000, 288000, 576000) == ACTIVITY.bounds
    assert (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2) == LATENCY.bounds


SECTIONS = {"templates", "groups"}
"""Datasets whose names are sections of the config too."""

WITH_EXAMPLES = {"demo.py", "demo_prometheus.py"}
"""Modules that print queries of some metrics as examples."""


def test_no_other_package_knows_a_dataset_by_name() -> None:
    """A dataset is added to the registry, and nowhere else."""
    modules = {dataset.convert.__module__ for dataset in DATASETS.values()}
    known = [
        f"{path.relative_to(PACKAGE)}: {word}"
        for part in ("config", "coder", "exposition", "polling", "web", "backfill", "commands")
        for path in sorted((PACKAGE / part).rglob("*.py"))
        if path.name not in WITH_EXAMPLES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for word in list_constants(node)
        if word in modules or word in DATASETS.keys() - SECTIONS
    ]

    assert [] == known


def list_constants(node: ast.AST) -> Iterator[str]:
    """Yield the text of a constant, and the modules of an import."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.ImportFrom):
        yield from (node.module or "", *(f"{node.module}.{name.name}" for name in node.names))
