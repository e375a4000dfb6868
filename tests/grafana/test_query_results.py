"""Every query of every panel on a real Prometheus with three weeks of the embedded Coder's data."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.promql import add_template_titles
from grafana.rules import recording
from tests.grafana.dashboard_files import ALL_QUERIES, PROVISIONED, PanelQuery, load
from tests.grafana.expected_counts import EXPECTED
from tests.grafana.sample_prometheus import ONE, OTHER, Data, run_sample_prometheus
from tests.grafana.sample_series import Series
from tests.grafana.shared_values import (
    CONDITIONS,
    ONLY_OF_RULES,
    RECORDED,
    SHARED,
    SharedValue,
    expand_recorded,
    group_by_labels,
    list_compared,
)
from tests.integration.promtool import Promtool
from tests.integration.waiting import eventually
from tests.rules.rule_files import load_rules

pytestmark = pytest.mark.timeout(300)

PER_EXPORTER = re.compile(r"_total\{|request_duration|max by \(job, instance|count\(max by \(job")
"""Queries that count each exporter's own doing, or show each exporter."""


@pytest.fixture(scope="module")
def data(promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Data]:
    """Provide a Prometheus that has watched for three weeks."""
    with run_sample_prometheus(promtool, tmp_path_factory.mktemp("dashboards")) as data:
        yield data


def select_all(board: str) -> dict[str, str]:
    """Return the values that a dashboard's variables have when nothing is chosen."""
    variables = load(PROVISIONED / f"{board}.json")["templating"]["list"][1:]
    return {one["name"]: one.get("allValue") or one["current"]["value"] for one in variables}


def fill_variables(query: PanelQuery, **chosen: str) -> str:
    """Return a query with its variables filled in, as Grafana does."""
    values = {**select_all(query.board), "__rate_interval": "20m", **chosen}
    return re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), query.expr)


def run_query(
    data: Data, query: PanelQuery, job: str = ONE["job"], deployment: str = "main", ago: int = 0
) -> set[tuple[Any, ...]]:
    """Return the series that a panel gets: now, or over the last days; all that `ago` seconds before now."""
    expr = fill_variables(query, job=job, deployment=deployment)
    now = data.now - ago
    if not query.over_time:
        return {freeze(sample.labels, sample.value) for sample in data.prometheus.query(expr, now)}
    over = {"start": now - 3 * 86400, "end": now, "step": 3600}
    result = data.prometheus.api("query_range", query=expr, **over)["result"]
    return {freeze(series["metric"], series["values"][-1][1]) for series in result}


def freeze(labels: Mapping[str, str], value: object) -> tuple[Any, ...]:
    """Return a series so that it can be compared."""
    return (*sorted(labels.items()), str(value))


def select_deployment(data: Data, deployment: str) -> list[Series]:
    """Return the page's series of one deployment."""
    return [series for series in data.page if series.labels.get("deployment") == deployment]


def test_every_query_is_expected() -> None:
    """Each query of each panel is counted below, and nothing else."""
    asked = [(query.board, query.panel) for query in ALL_QUERIES]
    expected = [
        (board, panel) for board, its in EXPECTED.items() for panel, counts in its.items() for _ in counts
    ]

    assert sorted(expected) == sorted(asked)


@pytest.mark.parametrize("query", ALL_QUERIES, ids=str)
def test_query_returns_the_right_number_of_series(data: Data, query: PanelQuery) -> None:
    """A panel shows the number of series that follows from the exposition."""
    count = EXPECTED[query.board][query.panel]["ABCDEFGH".index(query.letter)]
    expected = count(select_deployment(data, "main"))

    assert 0 < expected == len(run_query(data, query))


@pytest.mark.parametrize(
    "query", [query for query in ALL_QUERIES if not PER_EXPORTER.search(query.expr)], ids=str
)
def test_second_exporter_changes_nothing(data: Data, query: PanelQuery) -> None:
    """Numbers are the same from one exporter, from the other, and from both of them."""
    one = run_query(data, query, ONE["job"])

    assert one == run_query(data, query, OTHER["job"])
    assert one == run_query(data, query, ".+")


@pytest.mark.parametrize("query", ALL_QUERIES, ids=str)
def test_other_programs_change_nothing(data: Data, query: PanelQuery) -> None:
    """Without selected jobs, panels show the same as with all jobs of exporters."""
    ours = run_query(data, query, f"{ONE['job']}|{OTHER['job']}")

    assert ours
    assert ours == run_query(data, query, ".+")


def test_exporter_that_is_down_is_counted(data: Data) -> None:
    """An exporter that is down is recognized by the series that it exposed in the last week."""
    (down,) = (query for query in ALL_QUERIES if query.panel == "Exporters down")

    assert {("0.0",)} == run_query(data, down, ".+")
    assert {("1.0",)} == run_query(data, down, ".+", ago=3 * 3600 + 1800)


@pytest.mark.parametrize("query", ALL_QUERIES, ids=str)
def test_only_what_names_users_is_missing_without_names(data: Data, query: PanelQuery) -> None:
    """Where no single users are shown, their table is empty and everything else is there."""
    count = EXPECTED[query.board][query.panel]["ABCDEFGH".index(query.letter)]
    expected = count(select_deployment(data, "discreet"))

    assert (query.panel in {"Slowest connections", "Most active users"}) == (expected == 0)
    assert expected == len(run_query(data, query, deployment="discreet"))


@pytest.mark.parametrize("query", ALL_QUERIES, ids=str)
def test_pseudonyms_take_nothing_away(data: Data, query: PanelQuery) -> None:
    """Where users have pseudonyms, every panel has as many series as with names."""
    count = EXPECTED[query.board][query.panel]["ABCDEFGH".index(query.letter)]
    expected = count(select_deployment(data, "main"))

    assert expected == count(select_deployment(data, "veiled"))
    assert expected == len(run_query(data, query, deployment="veiled"))


def test_slowest_connections_have_pseudonyms(data: Data) -> None:
    """No name of the deployment with names is among them."""
    (slowest, _) = (query for query in ALL_QUERIES if query.panel == "Slowest connections")
    named, veiled = (
        {dict(response[:-1])["username"] for response in run_query(data, slowest, deployment=deployment)}
        for deployment in ("main", "veiled")
    )

    assert 25 == len(named) == len(veiled)
    assert set() == named & veiled


@pytest.mark.parametrize(
    "query", [query for query in ALL_QUERIES if "{{" in query.legend and '"none"' not in query.expr], ids=str
)
def test_legends_are_unique(data: Data, query: PanelQuery) -> None:
    """Legends use labels that the series have, and are unique in a panel."""
    labels: list[dict[str, str]] = [dict(response[:-1]) for response in run_query(data, query)]
    used = re.findall(r"\{\{(\w+)\}\}", query.legend)
    called = [tuple(one.get(label, "") for label in used) for one in labels]

    assert [] == [label for label in used if not any(label in one for one in labels)]
    assert sorted(set(called)) == sorted(called)


@pytest.mark.parametrize(("organization", "title"), [("coder", "coder/docker"), ("", "docker")])
def test_title_of_a_template_needs_no_organization(data: Data, organization: str, title: str) -> None:
    """A template is shown with its organization, or alone if that is unknown."""
    name = 'label_replace(vector(1), "template_name", "docker", "", "")'
    template = f'label_replace({name}, "organization_name", "{organization}", "", "")'
    (titled,) = data.prometheus.query(add_template_titles(template))

    assert title == titled.labels["title"]


@pytest.mark.parametrize("query", [query for query in ALL_QUERIES if query.columns is not None], ids=str)
def test_table_names_or_hides_every_label(data: Data, query: PanelQuery) -> None:
    """No column of a table is left with a label's bare name."""
    labels = {label for response in run_query(data, query) for label, _ in response[:-1]}

    assert query.columns is not None
    assert set() == labels - query.columns


@pytest.mark.parametrize(
    "rule",
    [rule for rule in load_rules("record") if rule["record"] not in CONDITIONS],
    ids=lambda rule: rule["record"],
)
def test_recording_rule_records(data: Data, rule: Mapping[str, Any]) -> None:
    """Each recording rule records series, without the labels that a scrape adds."""
    recorded = data.prometheus.wait_for(rule["record"])

    assert set() == {label for one in recorded for label in one.labels} & {"instance", "pod", "endpoint"}


def test_every_recorded_series_is_compared_with_a_panel() -> None:
    """What rules record is shown by a panel too, or named as what no panel shows."""
    assert set(RECORDED) == list_compared() | ONLY_OF_RULES
    assert not list_compared() & ONLY_OF_RULES


@pytest.mark.parametrize("shared", SHARED, ids=str)
def test_rules_and_dashboards_agree(data: Data, shared: SharedValue) -> None:
    """The value of an alert's expression equals the one that the panel shows."""
    chosen = {"deployment": "main", "job": ONE["job"]}
    shown = data.prometheus.query(fill_variables(shared.query, **chosen), data.now)
    labels = sorted({label for one in shown for label in one.labels})
    judged = [
        one
        for one in data.prometheus.query(expand_recorded(shared.expr), data.now)
        if {**chosen, **shared.of}.items() <= one.labels.items()
    ]

    assert shown
    assert len(shown) == len(judged)
    assert pytest.approx(group_by_labels(shown, labels)) == group_by_labels(judged, labels)


def test_each_token_is_compared_with_its_own_lifetime(promtool: Promtool, tmp_path: Path) -> None:
    """The lowest remaining share of two tokens is that of one of them, not a mixture of both."""
    (query,) = (one for one in ALL_QUERIES if one.panel == "Token lifetime remaining")
    days = {"a": {"expiry_timestamp": 100, "lifetime": 200}, "b": {"expiry_timestamp": 6, "lifetime": 7}}
    tokens = [
        {
            "series": f'insights_exporter_token_{name}_seconds{{job="j", instance="{one}", deployment="x"}}',
            "values": f"{value * 86400}x9",
        }
        for one, token in days.items()
        for name, value in token.items()
    ]
    lowest = {"labels": '{deployment="x"}', "value": 0.5}
    expected = {"expr": fill_variables(query), "eval_time": "0m", "exp_samples": [lowest]}
    file = tmp_path / "tokens.yaml"
    case = {"input_series": tokens, "promql_expr_test": [expected]}
    file.write_text(yaml.safe_dump({"tests": [case]}), encoding="utf-8")
    tested = promtool.run("test", "rules", str(file))

    assert 0 == tested.returncode, tested.stdout + tested.stderr


def test_healthy_deployments_raise_no_alert(data: Data) -> None:
    """With successful polls and active users, no alert is pending or firing."""
    data.prometheus.wait_for(f"last_over_time({recording.USERS_ABOVE_POOR}[1h])")
    eventually(
        lambda: all(group["lastEvaluation"] > "0002" for group in data.prometheus.api("rules")["groups"])
    )

    assert [] == data.prometheus.query("ALERTS")
