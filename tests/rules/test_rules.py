"""The rules: promtool's checks, and consistency with runbooks and tests."""

import re
from pathlib import Path

import pytest
import yaml

from grafana.project import ADDRESS
from tests.grafana.dashboard_files import ROOT, list_files, list_queries, load
from tests.integration.promtool import Promtool
from tests.rules.rule_files import RULES, RUNBOOKS, load_rules

CASES = Path(__file__).parent

FOR_USERS = {"deployment:insights_exporter_token_remaining:ratio_min"}
"""Recorded for the graphs and alerts of users; docs/dashboards.md names it."""

SECTIONS = ["Meaning", "Diagnosis", "Mitigation"]

ALERTS = {rule["alert"]: rule for rule in load_rules("alert")}
RECORDS = {rule["record"]: rule for rule in load_rules("record")}

each_alert = pytest.mark.parametrize("alert", ALERTS)


def test_promtool_reports_nothing(promtool: Promtool) -> None:
    """All checks of promtool accept the shipped files without warnings."""
    checked = promtool.run("check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES.glob("*.yaml")))

    assert (0, "") == (checked.returncode, checked.stderr)


@each_alert
def test_alert_fires_stays_quiet_and_recovers(promtool: Promtool, alert: str) -> None:
    """The cases of an alert hold when Prometheus evaluates the shipped rules over them."""
    tested = promtool.run("test", "rules", str(CASES / f"{alert}.yaml"))

    assert (0, "") == (tested.returncode, tested.stderr), tested.stdout


@each_alert
def test_alert_has_cases_of_every_kind(alert: str) -> None:
    """Each alert is shown to fire, not to fire, and to recover."""
    cases = yaml.safe_load((CASES / f"{alert}.yaml").read_text(encoding="utf-8"))["tests"]
    names = "; ".join(case["name"] for case in cases)

    assert [] == [word for word in ("fires", "does not fire", "recovers") if word not in names]


def test_case_files_belong_to_alerts() -> None:
    """Each file of cases belongs to an existing alert."""
    assert set(ALERTS) == {file.stem for file in CASES.glob("*.yaml")}


def test_names_are_unique() -> None:
    """A recorded series is defined once, an alert once per severity."""
    names = [rule["record"] for rule in load_rules("record")]
    names += [f"{rule['alert']} {rule['labels']['severity']}" for rule in load_rules("alert")]

    assert sorted(set(names)) == sorted(names)


def test_groups_are_small() -> None:
    """A group has a short name and at most twenty rules, so that its evaluation stays quick."""
    groups = [
        group
        for file in RULES.glob("*.yaml")
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    ]

    assert [] == [group["name"] for group in groups if len(group["name"]) > 40 or len(group["rules"]) > 20]


@each_alert
def test_alert_follows_the_conventions(alert: str) -> None:
    """Alerts have a camel-case name, an allowed severity, a plain summary and a description with labels."""
    rule = ALERTS[alert]
    annotations = rule["annotations"]

    assert re.fullmatch(r"Insights([A-Z][a-z]+)+", alert)
    assert len(alert) <= 40
    assert rule["labels"]["severity"] in {"warning", "info"}
    assert rule["for"]
    assert re.fullmatch(r"[A-Z][^{}]+\.", annotations["summary"])
    assert "{{" in annotations["description"]


@each_alert
def test_runbook_link_leads_to_the_alert_s_runbook(alert: str) -> None:
    """The link of an alert names a file that is there, under the project's address."""
    link = ALERTS[alert]["annotations"]["runbook_url"]

    assert f"{ADDRESS}/blob/main/docs/runbooks/{alert}.md" == link
    assert (RUNBOOKS / f"{alert}.md").is_file()


@each_alert
def test_dashboard_link_is_a_path(alert: str) -> None:
    """The link is the path of a dashboard, opened at the alert's deployment if it has one."""
    link = ALERTS[alert]["annotations"]["dashboard_url"]
    uids = "|".join(load(file)["uid"] for file in list_files())

    assert re.fullmatch(rf"/d/({uids})(\?var-deployment={{{{ \$labels.deployment \| urlquery }}}})?", link)


def list_read(expr: str) -> set[str]:
    """Return the families that a query reads, through recorded series too."""
    names = set(re.findall(r"\b(?:\w+:)?(?:coder_insights|insights_exporter)_\w+(?::\w+)?", expr))
    return set().union(*(list_read(RECORDS[name]["expr"]) if name in RECORDS else {name} for name in names))


@each_alert
def test_dashboard_of_an_alert_shows_what_the_alert_is_about(alert: str) -> None:
    """The linked dashboard has a panel of a family that the alert reads."""
    shown = {
        load(file)["uid"]: set().union(*(list_read(query.expr) for query in list_queries(file)))
        for file in list_files()
    }
    link = ALERTS[alert]["annotations"]["dashboard_url"]

    assert list_read(ALERTS[alert]["expr"]) & shown[link.removeprefix("/d/").partition("?")[0]]


@each_alert
def test_runbook_has_its_parts(alert: str) -> None:
    """A runbook begins with impact and the first thing to do, and has all parts, with commands among them."""
    text = (RUNBOOKS / f"{alert}.md").read_text(encoding="utf-8")

    title, _, impact, _, first = text.splitlines()[:5]
    assert f"# {alert}" == title
    assert impact.startswith("**Impact.** ")
    assert first.startswith("**Do first.** ")
    assert SECTIONS == re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    diagnosis = text.partition("## Diagnosis")[2].partition("## Mitigation")[0]
    assert "```" in diagnosis


def test_runbooks_belong_to_alerts() -> None:
    """Each runbook belongs to an existing alert and is in the list."""
    files = {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"}
    listed = set(re.findall(r"\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text(encoding="utf-8")))

    assert set(ALERTS) == files == listed


@each_alert
def test_queries_of_a_runbook_are_valid(promtool: Promtool, tmp_path: Path, alert: str) -> None:
    """Each PromQL block of a runbook is a query that Prometheus can read."""
    text = (RUNBOOKS / f"{alert}.md").read_text(encoding="utf-8")
    queries = re.findall(r"```promql\n(.+?)```", text, flags=re.DOTALL)
    tried = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": alert, "rules": tried}]}), encoding="utf-8")

    assert queries
    assert 0 == promtool.run("check", "rules", str(file)).returncode


def test_recorded_series_are_named_by_level_metric_and_operation() -> None:
    """A recorded series' name has three parts, the first of which are labels that remain."""
    assert [] == [
        name for name in RECORDS if not re.fullmatch(r"(deployment|job)[a-z_]*:[a-z0-9_]+:[a-z_]+", name)
    ]


@pytest.mark.parametrize("name", RECORDS)
def test_recorded_series_have_the_labels_of_their_name(name: str) -> None:
    """Other labels that a scrape adds are dropped, so exporters of a deployment are merged."""
    levels = name.partition(":")[0].split("_")
    grouped = re.findall(r"\b(?:max|min|sum|count|group) by \(([\w, ]+)\)", RECORDS[name]["expr"])
    expected = ", ".join(dict.fromkeys(["cluster", "namespace", "job", *levels]))

    assert [] == [labels for labels in grouped if not labels.startswith("cluster, namespace, job")]
    assert expected in grouped if grouped else re.search(r"\b\w+:\w+:\w+", RECORDS[name]["expr"])
    assert "without" not in RECORDS[name]["expr"]


def test_recorded_series_are_all_used() -> None:
    """Alerts and other recorded series read all that is recorded, or it is documented for users."""
    read = " ".join(str(rule["expr"]) for kind in ("alert", "record") for rule in load_rules(kind))

    documented = (ROOT / "docs/dashboards.md").read_text(encoding="utf-8")

    assert FOR_USERS == {name for name in RECORDS if name not in read}
    assert set() == {name for name in FOR_USERS if f"`{name}`" not in documented}
