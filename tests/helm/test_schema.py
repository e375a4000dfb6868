"""Invalid values are rejected with their place and the expected values."""

import json
from typing import get_args

import jsonschema
import pytest

from insights_exporter.commands.flags import LogFormatFlag, LogLevelFlag
from insights_exporter.config.schema import build_json_schema
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.web.webconfig.model import WebConfigModel
from tests.helm.chart import CHART, Values, read_error, render_objects
from tests.helm.custom_resources import TABLE

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
ONE = {"name": "main", "url": "https://coder.example.com"}

WRONG: dict[str, tuple[Values, str]] = {
    "unknown key": ({"replicass": 1}, "(root): Additional property replicass is not allowed"),
    "unknown key inside": ({"image": {"tagg": "a"}}, "image: Additional property tagg is not allowed"),
    "text for a number": ({"replicas": "two"}, "replicas: Invalid type. Expected: integer, given: string"),
    "part of a pod": ({"replicas": 0.5}, "replicas: Invalid type. Expected: integer, given: number"),
    "negative": ({"replicas": -1}, "replicas: Must be greater than or equal to 0"),
    "text for a switch": (
        {"serviceMonitor": {"enabled": "yes"}},
        "serviceMonitor.enabled: Invalid type. Expected: boolean, given: string",
    ),
    "switch for a map": (
        {"serviceMonitor": True},
        "serviceMonitor: Invalid type. Expected: object, given: boolean",
    ),
    "map for a list": (
        {"tolerations": {"a": "b"}},
        "tolerations: Invalid type. Expected: array, given: object",
    ),
    "number for a label": (
        {"podLabels": {"a": 1}},
        "podLabels.a: Invalid type. Expected: string, given: integer",
    ),
    "unknown word": (
        {"image": {"pullPolicy": "Sometimes"}},
        'image.pullPolicy must be one of the following: "Always", "IfNotPresent", "Never"',
    ),
    "digest": ({"image": {"digest": "latest"}}, "image.digest: Does not match pattern"),
    "port": ({"service": {"port": 70000}}, "service.port: Must be less than or equal to 65535"),
    "log level": (
        {"log": {"level": "verbose"}},
        'log.level must be one of the following: "debug", "info", "warn", "warning", "error"',
    ),
    "path": ({"web": {"telemetryPath": "metrics"}}, "web.telemetryPath: Does not match pattern"),
    "web configuration": (
        {"web": {"config": {"basic_auth": {}}}},
        "web.config: Additional property basic_auth is not allowed",
    ),
    "duration": (
        {"serviceMonitor": {"interval": "1 minute"}},
        "serviceMonitor.interval: Does not match pattern",
    ),
    "size": ({"podMonitor": {"bodySizeLimit": "big"}}, "podMonitor.bodySizeLimit: Does not match pattern"),
    "relabeling": (
        {"serviceMonitor": {"relabelings": [{"source_labels": ["a"]}]}},
        "serviceMonitor.relabelings.0: Additional property source_labels is not allowed",
    ),
    "address of Grafana": (
        {"rules": {"grafanaUrl": "grafana.example.com"}},
        "rules.grafanaUrl: Does not match pattern",
    ),
    "limit": (
        {"scrapeConfig": {"sampleLimit": "many"}},
        "scrapeConfig.sampleLimit: Invalid type. Expected: [integer,null], given: string",
    ),
    "ingress path": (
        {"ingress": {"hosts": [{"host": "a", "paths": [{"path": "/"}]}]}},
        "ingress.hosts.0.paths.0: pathType is required",
    ),
    "variable without a name": ({"extraEnv": [{"value": "a"}]}, "extraEnv.0: name is required"),
    "setting of the exporter": (
        {"config": {"deployments": [ONE | {"tokenfile": "a"}]}},
        "config.deployments.0: Additional property tokenfile is not allowed",
    ),
    "deployment without URL": (
        {"config": {"deployments": [{"name": "a"}]}},
        "config.deployments.0: url is required",
    ),
    "setting of all deployments": (
        {"config": {"defaults": {"max_series": "many"}}},
        "config.defaults.max_series: Invalid type. Expected: integer, given: string",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_value_is_refused(case: str) -> None:
    """Helm's error names the place and the expected value."""
    values, words = WRONG[case]

    assert words in read_error(values)


def test_the_schema_is_a_schema() -> None:
    """It keeps the rules of the draft that it names, which Helm reads."""
    assert "http://json-schema.org/draft-07/schema#" == SCHEMA["$schema"]
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_all_config_keys_may_be_set() -> None:
    """`config` accepts all keys of the exporter's config file."""
    assert build_json_schema(DATASETS)["properties"].keys() == SCHEMA["$defs"]["config"]["properties"].keys()
    assert build_json_schema(DATASETS)["$defs"].items() <= SCHEMA["$defs"].items()


@pytest.mark.parametrize(("value", "flag"), [("level", LogLevelFlag), ("format", LogFormatFlag)])
def test_log_accepts_the_values_of_the_flags(value: str, flag: object) -> None:
    """`log` accepts the values of the log flags."""
    words = get_args(get_args(flag)[0])

    assert words == tuple(SCHEMA["properties"]["log"]["properties"][value]["enum"])


def test_the_web_configuration_has_the_exporters_sections() -> None:
    """What `web.config` may hold at its top is what the file may."""
    assert WebConfigModel.model_fields.keys() == SCHEMA["$defs"]["webConfig"]["properties"].keys()


@pytest.mark.parametrize(
    ("kind", "endpoints"), [("ServiceMonitor", "endpoints!"), ("PodMonitor", "podMetricsEndpoints")]
)
def test_relabelings_have_the_operators_actions(kind: str, endpoints: str) -> None:
    """Each action may be written in both ways that the operator's definition has, and in no third."""
    (endpoint,) = TABLE[f"monitoring.coreos.com/v1/{kind}"][endpoints]
    published = endpoint["relabelings"][0]["action"].split("|")

    assert sorted(published) == SCHEMA["$defs"]["relabeling"]["properties"]["action"]["enum"]


def test_values_of_a_parent_chart_are_accepted() -> None:
    """Global values of a parent chart, and its switch for this chart, are accepted."""
    assert render_objects() == render_objects({"global": {"domain": "example.com"}, "enabled": True})
