"""The page on Kubernetes shows values that work."""

import re

import pytest
import yaml

from tests.helm.chart import ROOT, Values, render_objects

PAGES = ("kubernetes.md", "kubernetes-integrations.md", "sharding.md")
PAGE = "\n".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in PAGES)
BLOCKS = [
    re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
    for indent, block in re.findall(r"^( *)```yaml\n(.*?)^ *```$", PAGE, flags=re.DOTALL | re.MULTILINE)
]
OURS = [block for block in BLOCKS if block.startswith("# values.yaml")]


@pytest.mark.parametrize("block", OURS, ids=lambda block: block.splitlines()[-1])
def test_values_on_the_page_render(block: str) -> None:
    """The values on the page render."""
    values: Values = yaml.safe_load(block)

    assert "Service" in {each["kind"] for each in render_objects(values)}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_examples_for_others_are_yaml(block: str) -> None:
    """Examples for other charts and operators are valid YAML."""
    assert isinstance(yaml.safe_load(block), dict)


def test_names_on_the_page_are_those_of_the_release() -> None:
    """ConfigMaps, Services and pods that are named there exist in such a release."""
    named = {"fullnameOverride": "insights-exporter", "rulesConfigMap": {"enabled": True}}
    names = {each["metadata"]["name"] for each in render_objects({**named, "sharding": {"enabled": True}})}

    assert {"insights-exporter", "insights-exporter-rules", "insights-exporter-shards"} <= names
    assert "configMap: insights-exporter-rules" in PAGE
    assert "insights-exporter-0.insights-exporter-shards.insights.svc:12112" in PAGE


def test_all_ways_are_found() -> None:
    """Each chapter of the page has its values."""
    assert 6 == len(OURS)
