"""Many variants of values, rendered by one run of Helm."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.helm.chart import CHART, Values, render_text


def render_variants(variants: Sequence[Values], directory: Path) -> Mapping[str, str]:
    """Return the text of each variant by its JSON; all are rendered at once, as parts of one parent chart."""
    names = {json.dumps(each): f"variant{index}" for index, each in enumerate(variants)}
    parts = [{"name": "insights-exporter", "version": "*", "alias": alias} for alias in names.values()]
    about = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": parts}
    parent = directory / "parent"
    shutil.copytree(CHART, parent / "charts" / "insights-exporter")
    dashboards = parent / "charts" / "insights-exporter" / "dashboards"
    shutil.rmtree(dashboards)
    dashboards.mkdir()
    (dashboards / "small.json").write_text("{}", encoding="utf-8")
    (parent / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    documents: dict[str, list[str]] = {alias: [] for alias in names.values()}
    whole = render_text({alias: json.loads(each) for each, alias in names.items()}, chart=parent)
    for document in f"\n{whole}".split("\n---\n"):
        alias = document.partition("parent/charts/")[2].partition("/")[0]
        if alias:
            documents[alias].append(document.replace(alias, "variant").strip())
    return {each: "\n".join(sorted(documents[alias])) for each, alias in names.items()}
