"""What the packages of a release contain: sdist, wheel and chart."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

import insights_exporter
from tests.integration.programs import require

ROOT = Path(__file__).resolve().parents[2]
NAME = f"insights_exporter-{insights_exporter.__version__}"
SOURCES = (".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "src", "scripts")
LEFTOVERS = (
    "grafana/preview/node_modules/left/index.js",
    "dist/old.whl",
    "build/skipped.txt",
    ".venv/bin/python",
    ".venv-dev/bin/python",
    ".mypy_cache/x.json",
    "src/insights_exporter/__pycache__/cli.cpython-311.pyc",
)
"""What a working copy has after `make test`; none of it belongs into a package."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the folder of the sdist and the wheel, built from a working copy with leftovers."""
    copy, target = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        place = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        place(ROOT / name, copy / name)
    for name in LEFTOVERS:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("left\n", encoding="utf-8")
    build = (sys.executable, "-m", "hatchling", "build", "--directory", str(target))
    subprocess.run(build, cwd=copy, check=True, capture_output=True)
    return target


def test_sdist_contains_the_sources_alone(packages: Path) -> None:
    """The sdist has the sources and metadata, and no file of a build or an installation."""
    with tarfile.open(packages / f"{NAME}.tar.gz") as file:
        names = {name.removeprefix(f"{NAME}/") for name in file.getnames()}

    assert set() == names & set(LEFTOVERS)
    assert {"PKG-INFO", "CHANGELOG.md", "LICENSE", "pyproject.toml", "scripts/release.py"} <= names


def test_wheel_contains_the_package_alone(packages: Path) -> None:
    """The wheel has every file of the package, its metadata, and nothing else."""
    source = ROOT / "src" / "insights_exporter"
    expected = {
        f"insights_exporter/{path.relative_to(source).as_posix()}"
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    (wheel,) = packages.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())

    assert expected == {name for name in names if not name.startswith(f"{NAME}.dist-info/")}
    assert {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"} == {
        name.removeprefix(f"{NAME}.dist-info/") for name in names - expected
    }


def test_chart_package(tmp_path: Path) -> None:
    """`helm package` makes a chart of this version, without the values files of tests."""
    helm = require("helm")
    chart = ROOT / "helm" / "insights-exporter"
    environ = {**os.environ, "HELM_CACHE_HOME": str(tmp_path), "HELM_CONFIG_HOME": str(tmp_path)}
    words = (helm, "package", str(chart), "--destination", str(tmp_path))
    subprocess.run(words, check=True, capture_output=True, env=environ)

    with tarfile.open(tmp_path / f"insights-exporter-{insights_exporter.__version__}.tgz") as file:
        names = {name.removeprefix("insights-exporter/") for name in file.getnames()}
        packed = file.extractfile("insights-exporter/Chart.yaml")
        metadata = yaml.safe_load(packed.read()) if packed else {}
    assert insights_exporter.__version__ == metadata["version"] == metadata["appVersion"]
    assert {"values.yaml", "values.schema.json", "README.md", "templates/NOTES.txt"} <= names
    assert {"dashboards", "rules", "templates"} <= {name.partition("/")[0] for name in names}
    assert not any(name.startswith("ci/") for name in names)
