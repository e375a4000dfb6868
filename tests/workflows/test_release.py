"""Whether a tag can be released, and its release notes."""

from pathlib import Path

import pytest

from scripts import release

IMAGE = "ghcr.io/insights-exporter/insights-exporter"
FILES = {
    "src/insights_exporter/__init__.py": '__version__ = "1.2.3"\n',
    "helm/insights-exporter/Chart.yaml": f'version: 1.2.3\nappVersion: "1.2.3"\nimage: {IMAGE}:1.2.3\n',
    "docs/container.md": f"docker run {IMAGE}:1.2.3\ndocker run {IMAGE}:1.2.3 --config.file=config.yml\n",
    "CHANGELOG.md": "# All\n\n## [1.2.3] - 2026-03-04\n\n### Added\n\n- This.\n\n## [1.2.2] - 2026-02-01\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Provide a repository that is ready to be released as v1.2.3."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def test_consistent_tree(tree: Path) -> None:
    """A tag of the version that all files have, with a dated entry, can be released."""
    assert [] == release.find_problems("v1.2.3", tree)


@pytest.mark.parametrize(
    ("tag", "path", "text", "expected"),
    [
        pytest.param("1.2.3", None, "", "1.2.3 is not a tag like v1.2.3", id="no v"),
        pytest.param("v1.2", None, "", "v1.2 is not a tag like v1.2.3", id="two numbers"),
        pytest.param(
            "v1.2.3",
            "src/insights_exporter/__init__.py",
            '__version__ = "1.2.4"\n',
            "src/insights_exporter/__init__.py has 1.2.4, not 1.2.3",
            id="other package",
        ),
        pytest.param(
            "v1.2.3",
            "helm/insights-exporter/Chart.yaml",
            "name: x\n",
            "helm/insights-exporter/Chart.yaml has no version, not 1.2.3",
            id="chart without version",
        ),
        pytest.param(
            "v1.2.3",
            "helm/insights-exporter/Chart.yaml",
            f'version: 1.2.3\nappVersion: "1.2.3"\nimage: {IMAGE}:1.2.2\n',
            "helm/insights-exporter/Chart.yaml has 1.2.2, not 1.2.3",
            id="old image in the chart",
        ),
        pytest.param(
            "v1.2.3",
            "helm/insights-exporter/Chart.yaml",
            f'version: 1.2.3\nappVersion: "1.2.2"\nimage: {IMAGE}:1.2.3\n',
            "helm/insights-exporter/Chart.yaml has 1.2.2, not 1.2.3",
            id="old app in the chart",
        ),
        pytest.param(
            "v1.2.3",
            "docs/container.md",
            f"docker run {IMAGE}:1.2.3\ndocker run {IMAGE}:1.2.2\n",
            "docs/container.md has 1.2.2, not 1.2.3",
            id="one old image in the docs",
        ),
        pytest.param(
            "v1.2.3",
            "CHANGELOG.md",
            "## [1.2.3]\n",
            "CHANGELOG.md has no line '## [1.2.3] - YYYY-MM-DD'",
            id="no date",
        ),
        pytest.param(
            "v1.2.3",
            "CHANGELOG.md",
            "## [Unreleased]\n\n## [1.2.3] - 2026-03-04\n",
            "CHANGELOG.md has Unreleased, not 1.2.3",
            id="unreleased changes",
        ),
    ],
)
def test_inconsistency_is_reported(tree: Path, tag: str, path: str | None, text: str, expected: str) -> None:
    """Each inconsistency is one line with the file and the version it has."""
    if path:
        (tree / path).write_text(text, encoding="utf-8")

    assert [expected] == release.find_problems(tag, tree)


def test_notes(tree: Path) -> None:
    """The notes are the entry of that version alone."""
    assert "### Added\n\n- This.\n" == release.notes("v1.2.3", tree)


def test_notes_of_an_unknown_version(tree: Path) -> None:
    """A version without an entry in the changelog has no notes."""
    with pytest.raises(LookupError, match=r"CHANGELOG.md has no entry for v9.9.9"):
        release.notes("v9.9.9", tree)


def test_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints what is inconsistent and exits with 1."""
    assert 1 == release.main(["check", "0.0"])
    assert "0.0 is not a tag like v1.2.3\n" == capsys.readouterr().out
