"""The chart's objects for Prometheus and Grafana."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.chart import CHART, Values, read_error, render_objects, select_kind, select_only
from tests.integration.promtool import Promtool

RULES = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (CHART / "rules").glob("*.yaml")
}
DASHBOARDS = {path.name: path for path in (CHART / "dashboards").glob("*.json")}
ALERT = "InsightsExporterDown"
HTTPS: Values = {"web": {"tlsSecret": "ours", "telemetryPath": "/insights"}}
SHARDED: Values = {"sharding": {"enabled": True}, "replicas": 2}


def list_groups(values: Values) -> list[dict[str, Any]]:
    """Return the groups of the PrometheusRule."""
    found: list[dict[str, Any]] = select_only(
        "PrometheusRule", {"prometheusRule": {"enabled": True}, **values}
    )["spec"]["groups"]
    return found


def list_rules(values: Values) -> list[dict[str, Any]]:
    """Return all rules of the PrometheusRule."""
    return [rule for group in list_groups(values) for rule in group["rules"]]


def test_rules_are_installed_as_they_are_written() -> None:
    """Every rule group is rendered with unchanged alert templates."""
    written = [group for name in sorted(RULES) for group in RULES[name]["groups"]]

    assert written == list_groups({})
    assert "{{ $labels" in str(written)


def test_rules_for_a_prometheus_without_operator() -> None:
    """The ConfigMap holds files that are the very rules."""
    found = select_only("ConfigMap", {"rulesConfigMap": {"enabled": True}, "existingConfigSecret": "theirs"})

    assert RULES == {name: yaml.safe_load(text) for name, text in found["data"].items()}


def list_changed(**alerts: object) -> list[dict[str, Any]]:
    """Return all rules with changes to alerts."""
    return list_rules({"rules": {"alerts": alerts}})


def test_an_alert_can_be_disabled() -> None:
    """All rules of one alert are missing, all other rules are as written."""
    token = "InsightsTokenExpiresSoon"  # noqa: S105  an alert

    assert [rule for rule in list_rules({}) if rule.get("alert") != token] == list_changed(
        **{token: {"enabled": False}}
    )
    assert list_rules({}) == list_changed(**{token: {"enabled": True}})


def test_a_group_without_rules_is_missing() -> None:
    """A group of which every alert is disabled is missing too."""
    alerts = {rule["alert"]: {"enabled": False} for rule in list_rules({}) if "alert" in rule}

    assert all("record" in rule for rule in list_changed(**alerts))
    assert all(group["rules"] for group in list_groups({"rules": {"alerts": alerts}}))


def test_severity_and_for_can_be_set() -> None:
    """They change in one alert and nowhere else; `for` is the time that the condition has to hold."""
    (before,) = (rule for rule in list_rules({}) if rule.get("alert") == ALERT)
    after = list_changed(**{ALERT: {"severity": "critical", "for": "30m"}})

    assert {**before, "labels": {"severity": "critical"}, "for": "30m"} in after
    assert [rule for rule in list_rules({}) if rule != before] == [
        rule for rule in after if rule.get("alert") != ALERT
    ]


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        pytest.param("page", ["page", "page"], id="one for all rules"),
        pytest.param({"warning": "critical"}, ["info", "critical"], id="by the severity it has"),
    ],
)
def test_severities_of_an_alert_with_two_rules(severity: object, expected: list[str]) -> None:
    """A name is for all rules of the alert, a map for those that have one severity."""
    after = list_changed(InsightsTokenExpiresSoon={"severity": severity})
    found = [rule["labels"]["severity"] for rule in after if rule.get("alert") == "InsightsTokenExpiresSoon"]

    assert expected == found


def test_thresholds_can_be_set() -> None:
    """The named numbers change in all rules of an alert, and nothing else of the expressions."""
    after = list_changed(InsightsTokenExpiresSoon={"thresholds": {"warningDays": 5, "infoShare": 0.5}})
    expected = [
        rule["expr"].replace("3  # warningDays", "5  # warningDays").replace("0.25  # infoS", "0.5  # infoS")
        for rule in list_rules({})
    ]

    assert expected == [rule["expr"] for rule in after]
    assert expected != [rule["expr"] for rule in list_rules({})]


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        pytest.param({"InsightExporterDown": {}}, "InsightExporterDown", id="alert"),
        pytest.param({"InsightsExporterDown": {"severty": "info"}}, "severty", id="key"),
        pytest.param({"InsightsExporterDown": {"thresholds": {"days": 1}}}, "days", id="threshold"),
        pytest.param({"InsightsNoActiveUsers": {"thresholds": {"hours": "late"}}}, "hours", id="no number"),
    ],
)
def test_changes_that_change_nothing_are_refused(alerts: Mapping[str, Any], expected: str) -> None:
    """A misspelled name is refused, and so is a threshold that is no number."""
    assert expected in read_error({"rules": {"alerts": alerts}})


def test_changed_rules_are_rules(promtool: Promtool, tmp_path: Path) -> None:
    """Prometheus reads the rules with every threshold of every alert set to something else."""
    defined = json.loads((CHART / "values.schema.json").read_text("utf-8"))["$defs"]["alerts"]["properties"]
    alerts = {
        name: {"thresholds": dict.fromkeys(its["properties"]["thresholds"]["properties"], 12.5)}
        for name, its in defined.items()
    }
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": list_groups({"rules": {"alerts": alerts}})}), encoding="utf-8")
    expressions = "\n".join(rule["expr"] for rule in list_changed(**alerts))

    assert 0 == promtool.run("check", "rules", str(file)).returncode
    assert {"12.5"} == set(re.findall(r"([\d.]+)  # \w+$", expressions, flags=re.MULTILINE))


def test_alerts_can_be_routed() -> None:
    """Labels for routing are on alerts, not on recorded series, and win over the chart's."""
    labelled = list_rules({"rules": {"alertLabels": {"team": "platform", "severity": "page"}}})

    assert {("platform", "page")} == {
        (rule["labels"]["team"], rule["labels"]["severity"]) for rule in labelled if "alert" in rule
    }
    assert [rule for rule in list_rules({}) if "record" in rule] == [
        rule for rule in labelled if "record" in rule
    ]


@pytest.mark.parametrize("url", ["https://grafana.example.com/base", "https://grafana.example.com/base/"])
def test_alerts_can_link_to_grafana(url: str) -> None:
    """Each dashboard's path follows the address of Grafana, and is all that is there without one."""
    paths, links = (
        [rule["annotations"]["dashboard_url"] for rule in list_rules(values) if "alert" in rule]
        for values in ({}, {"rules": {"grafanaUrl": url}})
    )

    assert all(path.startswith("/d/coder-insights-") for path in paths)
    assert [f"https://grafana.example.com/base{path}" for path in paths] == links


def test_groups_can_be_added() -> None:
    """Own groups follow the chart's, untouched."""
    own = {"name": "own", "rules": [{"alert": "A", "expr": "up == 0", "annotations": {"a": "{{ $value }}"}}]}

    assert [*list_groups({}), own] == list_groups({"rules": {"extraGroups": [own]}})


def test_each_dashboard_is_a_config_map_for_the_sidecar() -> None:
    """Label and folder are those that Grafana's sidecar looks for; the content is the built file."""
    found = [
        each
        for each in select_kind("ConfigMap", render_objects({"dashboards": {"enabled": True}}))
        if "grafana_dashboard" in each["metadata"]["labels"]
    ]

    assert DASHBOARDS
    assert {
        f"demo-insights-exporter-{name}": json.loads(path.read_text(encoding="utf-8"))
        for name, path in DASHBOARDS.items()
    } == {name: json.loads(text) for each in found for name, text in each["data"].items()}
    assert all(each["metadata"]["labels"]["grafana_dashboard"] == "1" for each in found)
    assert all(each["metadata"]["annotations"] == {"grafana_folder": "Coder"} for each in found)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, ("metrics", "/metrics", "http"), id="plain"),
        pytest.param(HTTPS, ("metrics", "/insights", "https"), id="HTTPS and another path"),
    ],
)
@pytest.mark.parametrize(
    ("switch", "kind", "key"),
    [
        ("serviceMonitor", "ServiceMonitor", "endpoints"),
        ("podMonitor", "PodMonitor", "podMetricsEndpoints"),
    ],
)
def test_monitors_follow_the_exporter(
    switch: str, kind: str, key: str, values: Values, expected: tuple[str, str, str]
) -> None:
    """Port, path and scheme are the exporter's, the namespace too."""
    spec = select_only(kind, {**values, switch: {"enabled": True, "namespace": "elsewhere"}})["spec"]
    endpoint = spec[key][0]

    assert expected == (endpoint["port"], endpoint["path"], endpoint["scheme"])
    assert ["insights"] == spec["namespaceSelector"]["matchNames"]


@pytest.mark.parametrize(
    ("values", "targets", "scheme"),
    [
        pytest.param({}, ["demo-insights-exporter.insights.svc:12112"], "HTTP", id="the Service"),
        pytest.param(
            {**HTTPS, "service": {"port": 443}},
            ["demo-insights-exporter.insights.svc:443"],
            "HTTPS",
            id="HTTPS",
        ),
        pytest.param(
            {**SHARDED, "service": {"port": 80}},
            [
                f"demo-insights-exporter-{n}.demo-insights-exporter-shards.insights.svc:12112"
                for n in range(2)
            ],
            "HTTP",
            id="each shard",
        ),
    ],
)
def test_a_scrape_config_names_its_targets(values: Values, targets: list[str], scheme: str) -> None:
    """One target for the Service, or one for each shard so that none is missed."""
    spec = select_only("ScrapeConfig", {**values, "scrapeConfig": {"enabled": True}})["spec"]

    assert (targets, scheme, "demo-insights-exporter") == (
        spec["staticConfigs"][0]["targets"],
        spec["scheme"],
        spec["jobName"],
    )


@pytest.mark.parametrize("sharded", [False, True])
def test_the_autoscaler_knows_the_workload(sharded: bool) -> None:
    """Its target is the Deployment, or with sharding the StatefulSet."""
    values = {"verticalPodAutoscaler": {"enabled": True}, "sharding": {"enabled": sharded}}
    target = select_only("VerticalPodAutoscaler", values)["spec"]["targetRef"]
    workload = select_only("StatefulSet" if sharded else "Deployment", values)

    assert (workload["apiVersion"], workload["kind"], workload["metadata"]["name"]) == tuple(target.values())


def test_manifests_can_be_added() -> None:
    """Objects are rendered unchanged, strings as templates."""
    extra = [
        {"apiVersion": "v1", "kind": "Extra", "metadata": {"name": "{{ kept }}"}},
        "apiVersion: v1\nkind: Extra\nmetadata: {name: '{{ .Release.Name }}'}",
    ]

    assert ["{{ kept }}", "demo"] == [
        each["metadata"]["name"] for each in select_kind("Extra", render_objects({"extraManifests": extra}))
    ]
