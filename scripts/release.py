"""Check a tag before its release, and print its release notes. Requires only Python.

python -m scripts.release check v1.2.3    print the inconsistencies; exit status 1 if there are any
python -m scripts.release notes v1.2.3    print its entry of the changelog
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

IMAGE = r"ghcr\.io/insights-exporter/insights-exporter"

VERSIONS: Mapping[str, str] = {
    "src/insights_exporter/__init__.py": r'^__version__ = "([^"]+)"$',
    "helm/insights-exporter/Chart.yaml": rf"(?:^version: |^appVersion: \"|{IMAGE}:)([^\"\s]+)",
    "docs/container.md": rf"{IMAGE}:(\S+)",
    "CHANGELOG.md": r"\A[\s\S]*?^## \[([^]]+)\]",
}
"""Files that hold the version, and a pattern whose matches all have it."""

RELEASED = r"^## \[{version}\] - \d{{4}}-\d{{2}}-\d{{2}}$"


def find_problems(tag: str, root: Path = ROOT) -> list[str]:
    """Return the problems that prevent a release with this tag, one line each."""
    version = tag.removeprefix("v")
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        return [f"{tag} is not a tag like v1.2.3"]
    differing = [
        f"{path} has {other}, not {version}"
        for path, pattern in VERSIONS.items()
        for other in _find_versions(pattern, root / path)
        if other != version
    ]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    dated = re.search(RELEASED.format(version=re.escape(version)), changelog, re.MULTILINE)
    return differing + ([] if dated else [f"CHANGELOG.md has no line '## [{version}] - YYYY-MM-DD'"])


def notes(tag: str, root: Path = ROOT) -> str:
    """Return the changelog's entry for a version, without its heading.

    Raises:
        LookupError: the changelog has no entry for it.
    """
    version = re.escape(tag.removeprefix("v"))
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{version}\].*\n([\s\S]*?)(?=^## \[|\Z)", text, re.MULTILINE)
    if not found:
        raise LookupError(f"CHANGELOG.md has no entry for {tag}")
    return found.group(1).strip() + "\n"


def _find_versions(pattern: str, file: Path) -> list[str]:
    return re.findall(pattern, file.read_text(encoding="utf-8"), re.MULTILINE) or ["no version"]


def main(arguments: Sequence[str]) -> int:
    """Run the task `check` or `notes` for a tag; return the exit status."""
    task, tag = arguments
    if task == "notes":
        print(notes(tag), end="")
        return 0
    found = find_problems(tag)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
