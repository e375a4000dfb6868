"""The metadata of the chart."""

import re
from typing import Any

import pytest
import yaml

from insights_exporter import __version__
from tests.helm.chart import CHART, ROOT, helm, render_text

ABOUT: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
HOME = "https://github.com/insights-exporter/insights-exporter"


def test_the_chart_installs_this_release() -> None:
    """The chart's appVersion is the version of the package."""
    assert __version__ == ABOUT["appVersion"]


def test_the_listed_image_is_the_installed_one() -> None:
    """The list of images for catalogues is right."""
    (image,) = yaml.safe_load(ABOUT["annotations"]["artifacthub.io/images"])

    assert f"image: {image['image']}" in render_text()


@pytest.mark.parametrize(
    ("annotation", "keys"),
    [("links", {"name", "url"}), ("changes", {"kind", "description"}), ("images", {"name", "image"})],
)
def test_lists_for_the_catalogue_are_lists(annotation: str, keys: set[str]) -> None:
    """Artifact Hub takes these annotations as YAML lists of such maps."""
    found = yaml.safe_load(ABOUT["annotations"][f"artifacthub.io/{annotation}"])

    assert found
    assert all(keys == each.keys() for each in found)


def test_supported_clusters_are_declared() -> None:
    """Helm rejects older clusters."""
    done = helm("template", "demo", str(CHART), "--kube-version=1.27.9")

    assert "chart requires kubeVersion: >=1.28.0-0" in done.stderr


def test_links_into_the_project_lead_somewhere() -> None:
    """Files that the chart links to are there."""
    files = re.findall(
        rf"{HOME}/blob/main/(\S+)", str(ABOUT["annotations"]["artifacthub.io/links"]).replace("\\n", " ")
    )

    assert files
    assert [] == [each for each in files if not (ROOT / each).exists()]


def test_what_is_packed_is_what_a_user_needs() -> None:
    """The package has docs, schema and notes, and neither examples nor the icon."""
    done = helm("show", "all", str(CHART))

    assert 0 == done.returncode
    assert {"README.md", "values.schema.json", "values.yaml"} <= {path.name for path in CHART.iterdir()}
    assert {"ci/", "icon.svg"} <= set((CHART / ".helmignore").read_text(encoding="utf-8").splitlines())
