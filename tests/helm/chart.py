"""The chart as Helm itself renders it."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.integration.programs import require

Object = dict[str, Any]
Values = Mapping[str, Any]

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "insights-exporter"
CI_VALUES = sorted((CHART / "ci").glob("*-values.yaml"))

SWITCHES = {
    "serviceMonitor": {"ServiceMonitor"},
    "podMonitor": {"PodMonitor"},
    "scrapeConfig": {"ScrapeConfig"},
    "prometheusRule": {"PrometheusRule"},
    "rulesConfigMap": {"ConfigMap"},
    "dashboards": {"ConfigMap"},
    "networkPolicy": {"NetworkPolicy"},
    "podDisruptionBudget": {"PodDisruptionBudget"},
    "verticalPodAutoscaler": {"VerticalPodAutoscaler"},
    "ingress": {"Ingress"},
    "route": {"HTTPRoute"},
    "sharding": {"StatefulSet"},
}
"""What each switch adds to a release."""


def helm(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run Helm with `given` as its input."""
    return subprocess.run(
        [require("helm"), *arguments], check=False, input=given, capture_output=True, text=True
    )


def render_text(values: Values | None = None, *arguments: str, chart: Path = CHART) -> str:
    """Return what the release `demo` in the namespace `insights` would install."""
    return _text(json.dumps(values or {}), arguments, chart)


def render_objects(values: Values | None = None, *arguments: str, chart: Path = CHART) -> tuple[Object, ...]:
    """Return the objects of the release."""
    return _objects(json.dumps(values or {}), arguments, chart)


def select_only(kind: str, values: Values | None = None, *arguments: str) -> Object:
    """Return the one object of `kind`."""
    (found,) = select_kind(kind, render_objects(values, *arguments))
    return found


def find_pod(values: Values | None = None, *arguments: str) -> Object:
    """Return the specification of the exporter's pod."""
    (workload,) = [
        each for each in render_objects(values, *arguments) if each["kind"] in {"Deployment", "StatefulSet"}
    ]
    found: Object = workload["spec"]["template"]["spec"]
    return found


def find_container(values: Values | None = None, *arguments: str) -> Object:
    """Return the specification of the exporter's container."""
    found: Object = find_pod(values, *arguments)["containers"][0]
    return found


def select_kind(kind: str, found: Iterable[Object]) -> list[Object]:
    """Return the objects of `kind`."""
    return [each for each in found if each["kind"] == kind]


def read_error(values: Values) -> str:
    """Return Helm's error for invalid values."""
    done = _template(json.dumps(values), (), CHART)
    assert done.returncode == 1, "these values were taken"
    return done.stderr


@cache
def _text(values: str, arguments: tuple[str, ...], chart: Path) -> str:
    done = _template(values, arguments, chart)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def _objects(values: str, arguments: tuple[str, ...], chart: Path) -> tuple[Object, ...]:
    documents = yaml.load_all(_text(values, arguments, chart), Loader=yaml.CSafeLoader)
    return tuple(each for each in documents if each)


def _template(values: str, arguments: tuple[str, ...], chart: Path) -> subprocess.CompletedProcess[str]:
    words = ("template", "demo", str(chart), "--namespace=insights", "--values=-", *arguments)
    return helm(*words, given=values)
