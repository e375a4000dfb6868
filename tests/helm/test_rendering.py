"""The chart renders: by default, with every example, and with each switch alone."""

import re
from pathlib import Path

import pytest
import yaml

from insights_exporter import __version__
from tests.helm.chart import CHART, CI_VALUES, SWITCHES, Values, helm, render_objects

DEFAULT_KINDS = {"ServiceAccount", "ConfigMap", "Service", "Deployment", "Pod"}

examples = pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.name.removesuffix("-values.yaml"))


@pytest.mark.parametrize(
    "values", [[], *[[path] for path in CI_VALUES]], ids=lambda paths: paths[0].name if paths else "defaults"
)
def test_the_chart_has_nothing_that_lint_minds(values: list[Path]) -> None:
    """`helm lint --strict` is silent about the defaults and every example."""
    done = helm("lint", "--strict", "--quiet", str(CHART), *(f"--values={path}" for path in values))

    assert (0, "", "") == (done.returncode, done.stdout.strip(), done.stderr.strip())


def test_defaults_are_enough() -> None:
    """Without any value the release is one pod and what it needs."""
    assert DEFAULT_KINDS == {each["kind"] for each in render_objects()}


@examples
def test_an_example_renders(path: Path) -> None:
    """Every example renders objects with unique names per kind."""
    named = [(each["kind"], each["metadata"]["name"]) for each in render_objects({}, f"--values={path}")]

    assert sorted(set(named)) == sorted(named)


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_alone_adds_its_object(switch: str) -> None:
    """Each switch works with the other defaults and adds its object."""
    kinds = {each["kind"] for each in render_objects({switch: {"enabled": True}})}
    replaced = {"Deployment"} if switch == "sharding" else set()

    assert DEFAULT_KINDS - replaced | SWITCHES[switch] == kinds


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_is_off_by_default(switch: str, values: Values) -> None:
    """Objects that affect other parts of the cluster are disabled by default."""
    assert values[switch]["enabled"] is False


def test_all_switches_are_tested(values: Values) -> None:
    """A new switch is tried alone too."""
    switches = {name for name, value in values.items() if isinstance(value, dict) and "enabled" in value}

    assert {*SWITCHES, "tests"} == switches


def test_all_switches_together() -> None:
    """Switches do not disturb each other."""
    kinds = {each["kind"] for each in render_objects({switch: {"enabled": True} for switch in SWITCHES})}

    assert set.union(DEFAULT_KINDS - {"Deployment"}, *SWITCHES.values()) == kinds


def test_the_cluster_does_not_matter() -> None:
    """Offline rendering equals installation: no template depends on the cluster's capabilities."""
    asking = re.compile(r"\.Capabilities|\blookup\b")
    texts = {path.name: path.read_text(encoding="utf-8") for path in (CHART / "templates").rglob("*.*")}

    assert [] == [name for name, text in texts.items() if asking.search(text)]


def test_one_value_sets_the_namespace() -> None:
    """One value moves everything into another namespace."""
    values = {"namespaceOverride": "elsewhere"} | {switch: {"enabled": True} for switch in SWITCHES}

    assert {"elsewhere"} == {each["metadata"]["namespace"] for each in render_objects(values)}


def test_all_objects_carry_the_common_labels() -> None:
    """Labels and annotations for all are on everything, pods included."""
    values = {"commonLabels": {"team": "a"}, "commonAnnotations": {"b": "c"}} | {
        switch: {"enabled": True} for switch in SWITCHES
    }
    found = render_objects(values)
    (workload,) = [each for each in found if each["kind"] == "StatefulSet"]
    all_metadata = [*(each["metadata"] for each in found), workload["spec"]["template"]["metadata"]]

    assert [] == [
        each
        for each in all_metadata
        if each["labels"].get("team") != "a" or each["annotations"].get("b") != "c"
    ]


def test_a_parent_may_depend_on_the_chart(tmp_path: Path) -> None:
    """As a dependency it takes the parent's switch and other charts' global values."""
    parent = tmp_path / "parent"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts" / "insights-exporter").symlink_to(CHART)
    dependency = {"name": "insights-exporter", "version": "*", "condition": "insights-exporter.enabled"}
    about = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    values = {"insights-exporter": {"enabled": True}, "global": {"imageRegistry": "mirror", "domain": "x"}}

    images = [
        container["image"]
        for each in render_objects(values, chart=parent)
        if each["kind"] == "Deployment"
        for container in each["spec"]["template"]["spec"]["containers"]
    ]

    assert [f"mirror/insights-exporter/insights-exporter:{__version__}"] == images
