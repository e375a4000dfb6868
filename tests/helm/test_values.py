"""No value without use, no use without a value, and each with a description."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.chart_values import Value, read
from tests.helm.chart import CHART, SWITCHES, Values
from tests.helm.value_usage import list_used_values
from tests.helm.variants import render_variants

LEAVES = {
    leaf.path: leaf
    for value in read((CHART / "values.yaml").read_text(encoding="utf-8")).values()
    for leaf in value.leaves()
}
TEMPLATES = sorted(path for path in (CHART / "templates").rglob("*") if path.is_file())
MAIN = {"name": "main", "url": "https://coder.example.com"}

SAMPLES: Mapping[str, Any] = {
    "config": {"deployments": [MAIN]},
    "tokens": {"main": "example"},
    "image.digest": f"sha256:{'0' * 64}",
    "image.pullPolicy": "Always",
    "web.telemetryPath": "/changed",
    "web.config": {"http_server_config": {"http2": False}},
    "web.externalUrl": "https://changed/path",
    "web.routePrefix": "/changed",
    "web.scheme": "https",
    "log.level": "debug",
    "log.format": "logfmt",
    "replicas": 0,
    "dnsPolicy": "Default",
    "extraArgs": ["--changed"],
    "service.type": "NodePort",
    "service.ipFamilyPolicy": "SingleStack",
    "service.ipFamilies": ["IPv6"],
    "scrapeConfig.targetLabels": {"changed": "yes"},
    "rules.grafanaUrl": "https://changed",
    "rules.alerts": {"InsightsExporterDown": {"enabled": False}},
    "rules.extraGroups": [{"name": "changed", "rules": []}],
    "networkPolicy.coder.ports": [7],
    "ingress.hosts": [{"host": "changed", "paths": [{"path": "/", "pathType": "Exact"}]}],
    "route.hostnames": ["changed"],
    "podDisruptionBudget.unhealthyPodEvictionPolicy": "AlwaysAllow",
    "verticalPodAutoscaler.updateMode": "Recreate",
    "verticalPodAutoscaler.controlledResources": ["cpu"],
    "verticalPodAutoscaler.controlledValues": "RequestsOnly",
    "interval": "7s",
    "scrapeInterval": "7s",
    "scrapeTimeout": "7s",
    "bodySizeLimit": "7MB",
    "params": {"deployment": ["changed"]},
    "proxyUrl": "http://changed",
    "relabelings": [{"regex": "changed"}],
    "metricRelabelings": [{"regex": "changed"}],
    "targetLabels": ["changed"],
    "podTargetLabels": ["changed"],
    "imagePullSecrets": [{"name": "changed"}],
    "recommenders": [{"name": "changed"}],
}
"""A value other than the default, by path or last name, if the type is not enough to choose one."""

SAMPLES_BY_KIND: Mapping[type, Any] = {
    int: 7,
    str: "changed",
    list: [{"name": "changed", "mountPath": "/changed"}],
    dict: {"changed": "yes"},
    type(None): 7,
}

NEEDED: Mapping[str, Values] = {
    "config": {"existingSecret": "theirs"},
    "tokens": {"config": {"deployments": [MAIN], "defaults": {"token_env": "TOKEN"}}},
    "service.nodePort": {"service": {"type": "NodePort"}},
    "rules": {"prometheusRule": {"enabled": True}},
    "serviceAccount.name": {"serviceAccount": {"create": True}},
}
"""Other values that must be set for a value to have an effect, in addition to its switch."""


def test_every_value_is_described() -> None:
    """Each leaf has a sentence of its own and a section."""
    assert [] == [path for path, leaf in LEAVES.items() if not (leaf.about.endswith(".") and leaf.section)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_use_has_a_value(template: Path) -> None:
    """Templates use only values that values.yaml has."""
    assert [] == sorted(path for path in list_used_values(template) if not _is_value(path))


def test_every_value_is_used(tmp_path: Path) -> None:
    """Each value, set to something else, changes what is rendered."""
    cases = {
        path: (_list_required(path), _merge(_list_required(path), _at(path, _sample(leaf))))
        for path, leaf in LEAVES.items()
    }
    rendered = render_variants([values for pair in cases.values() for values in pair], tmp_path)

    assert [] == [
        path
        for path, (before, after) in cases.items()
        if rendered[json.dumps(before)] == rendered[json.dumps(after)]
    ]


def _is_value(path: str) -> bool:
    """Return whether the path leads to a value, to some of them, or into a map that may hold anything."""
    return any(
        f"{leaf}.".startswith(f"{path}.") or (path.startswith(f"{leaf}.") and isinstance(found.default, dict))
        for leaf, found in LEAVES.items()
    )


def _sample(leaf: Value) -> object:
    if isinstance(leaf.default, bool):
        return not leaf.default
    by_kind = SAMPLES_BY_KIND[type(leaf.default)]
    return SAMPLES.get(leaf.path, SAMPLES.get(leaf.path.rpartition(".")[2], by_kind))


def _list_required(path: str) -> Values:
    block = path.partition(".")[0]
    switch = {block: {"enabled": True}} if block in SWITCHES and not path.endswith(".enabled") else {}
    return {**switch, **NEEDED.get(block, {}), **NEEDED.get(path, {})}


def _at(path: str, sample: object) -> Values:
    for name in reversed(path.split(".")):
        sample = {name: sample}
    assert isinstance(sample, dict)
    return sample


def _merge(one: Values, other: Values) -> Values:
    """Merge two maps of values, the other wins."""
    both = {
        key: _merge(one[key], other[key])
        if isinstance(one[key], dict) and isinstance(other[key], dict)
        else other[key]
        for key in one.keys() & other.keys()
    }
    return {**one, **other, **both}
