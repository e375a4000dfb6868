"""Queries use declared families and labels, and aggregate them correctly."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.metrics_docs import declared_families
from tests.grafana.dashboard_files import ALL_QUERIES, PanelQuery, list_files, load
from tests.rules.rule_files import load_rules

TARGET_LABELS = {"job", "instance"}
NOT_OURS = ("up", "scrape_duration_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "gaugehistogram": ("_bucket", "_gsum", "_gcount")}

INFO = r"insights_exporter_build_info\{[^}]*\}"
WHOSE = re.compile(
    rf"\b(?:and|unless) on \(job(?:, instance)?\)\s+(?:{INFO}|present_over_time\({INFO}\[1w\]\))"
)
"""Identifies exporters and has no data."""

SELECTOR = re.compile(r"\b([a-z_:]+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"')
GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
NAME = re.compile(r"\b(?:coder_insights|insights_exporter)_\w+")

each = pytest.mark.parametrize("query", ALL_QUERIES, ids=str)


def list_names() -> dict[str, set[str]]:
    """Return the labels of every series that a page has, by its name."""
    known: dict[str, set[str]] = {name: set() for name in NOT_OURS}
    for family in declared_families():
        for suffix in SUFFIXES.get(family.type, ("",)):
            known[family.name + suffix] = set(family.labels) | ({"le"} if suffix == "_bucket" else set())
    return known


NAMES = list_names()


def list_selectors(expr: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each selector's name and the labels it matches."""
    for name, matchers in SELECTOR.findall(expr):
        yield name, set(MATCHER.findall(matchers))


def list_unknown(expr: str) -> list[str]:
    """Return the names and labels of a query that no family has."""
    wrong = [name for name in NAME.findall(expr) if name not in NAMES]
    for name, labels in list_selectors(expr):
        wrong += [f"{name}{{{label}}}" for label in labels - NAMES.get(name, set()) - TARGET_LABELS]
    known = set().union(*NAMES.values()) | TARGET_LABELS
    grouped = {label.strip() for group in GROUPED.findall(expr) for label in group.split(",")} - {""}
    return [*wrong, *(grouped - known)]


@each
def test_metrics_and_labels_exist(query: PanelQuery) -> None:
    """Dashboards query declared families by declared labels."""
    assert [] == list_unknown(query.expr)


def test_metrics_of_rules_exist() -> None:
    """Rules query declared families, and series that other rules record."""
    recorded = {rule["record"] for rule in load_rules("record")}
    for kind in ("record", "alert"):
        for expr in (rule["expr"] for rule in load_rules(kind)):
            colons = set(re.findall(r"\w+:\w+:\w+", expr))
            plain = re.sub(r"\w+:\w+:\w+", "recorded", expr)

            assert set() == colons - recorded
            assert [] == [name for name in NAME.findall(plain) if name not in NAMES]


@pytest.mark.parametrize("file", list_files(), ids=lambda file: file.stem)
def test_variables_query_existing_labels(file: Path) -> None:
    """A variable lists the values of a label that its family has."""
    for variable in load(file)["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((\w+)(?:\{.*\})?, (\w+)\)", variable["query"])

            assert asked
            assert asked[2] in NAMES[asked[1]] | TARGET_LABELS


@each
def test_exporters_are_selected(query: PanelQuery) -> None:
    """Every selector has the selected jobs, instances and, if the family has the label, deployments."""
    for name, matchers in SELECTOR.findall(query.expr):
        assert 'job=~"$job", instance=~"$instance"' in matchers
        assert ('deployment=~"$deployment"' in matchers) == ("deployment" in NAMES[name])


@each
def test_every_family_has_a_selector(query: PanelQuery) -> None:
    """Every family has a selector."""
    bare = re.sub(SELECTOR, "", query.expr)

    assert [] == [name for name in NAMES if re.search(rf"\b{name}\b", bare)]


@each
def test_exporters_of_a_deployment_count_once(query: PanelQuery) -> None:
    """A gauge is read through `max by` (or `min by`) its own labels; counters are of each exporter's own."""
    numbers = re.sub(WHOSE, "", query.expr)
    for name, _ in list_selectors(numbers):
        if not name.endswith("_total") and "request_duration" not in name:
            read = re.findall(rf"(?:max|min) by \(([\w, ]+)\) \((?:last_over_time\()?{name}\{{", numbers)

            assert len(re.findall(rf"\b{name}\{{", numbers)) == len(read)
            assert set() == {label for by in read for label in by.split(", ")} - NAMES[name] - TARGET_LABELS


@each
def test_general_metrics_are_limited_to_exporters(query: PanelQuery) -> None:
    """Metrics that every program has are limited to exporters by a join."""
    general = [name for name, _ in list_selectors(query.expr) if name in NOT_OURS]

    assert len(general) <= len(re.findall(WHOSE, query.expr))


@each
def test_users_are_never_added_up(query: PanelQuery) -> None:
    """Distinct users of templates, days or deployments overlap: no query adds them."""
    added = re.findall(r"\bsum\b.*", query.expr, flags=re.DOTALL)

    assert [] == [text for text in added if re.search(r"active_users|coder_insights_users|latency", text)]


@each
def test_tables_have_no_quantile_of_no_users(query: PanelQuery) -> None:
    """A quantile of an empty distribution is not a number: a table leaves such a cell empty."""
    over_none = query.columns is not None and "histogram_quantile" in query.expr

    assert not over_none or query.expr.endswith(">= 0")


@each
def test_rates_follow_the_scrape_interval(query: PanelQuery) -> None:
    """A counter is read by rate or increase, over Grafana's own range."""
    counters = re.findall(r"(\w+)\((\w+_total)\{[^}]*\}(\[[^\]]*\])?\)", query.expr)

    assert len(re.findall(r"\w+_total\{", query.expr)) == len(counters)
    for function, _, over in counters:
        assert function in {"rate", "increase"}
        assert "[$__rate_interval]" == over
