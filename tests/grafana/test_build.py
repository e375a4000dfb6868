"""What is built lies in the repository as it would be built now."""

from pathlib import Path

import pytest

from grafana import build
from tests.grafana.dashboard_files import CHART, IMPORTABLE, PROVISIONED, ROOT, list_files
from tests.rules.rule_files import RULES

BUILT = build.render()


@pytest.mark.parametrize("path", BUILT)
def test_built_file_is_up_to_date(path: str) -> None:
    """Built files match their sources; `make dashboards` updates them."""
    assert BUILT[path] == (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", [PROVISIONED, IMPORTABLE, CHART, RULES], ids=str)
def test_folders_contain_only_built_files(folder: Path) -> None:
    """A folder of built files holds no file that is not built any more."""
    there = {str(file.relative_to(ROOT)) for file in folder.iterdir() if file.suffix}

    assert {path for path in BUILT if (ROOT / path).parent == folder} == there


def test_chart_has_the_provisioned_dashboards() -> None:
    """What the chart installs is what the repository shows."""
    assert [file.read_text() for file in list_files(PROVISIONED)] == [
        file.read_text() for file in list_files(CHART)
    ]


def test_building_writes_all_files(tmp_path: Path) -> None:
    """Building creates folders and files in the given place."""
    build.write({"a/b.txt": "text"}, tmp_path)

    assert "text" == (tmp_path / "a/b.txt").read_text()
