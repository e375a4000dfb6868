"""Look whether a tag may be released, and tell what is in it. Needs nothing but Python.

python -m scripts.release check v1.2.3    say what does not fit, exit 1 if anything does not
python -m scripts.release notes v1.2.3    print what the changelog says of it
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

VERSIONS: Mapping[str, str] = {
    "src/insights_exporter/__init__.py": r'^__version__ = "([^"]+)"$',
    "helm/insights-exporter/Chart.yaml": r"^version: (\S+)$",
    "CHANGELOG.md": r"^## \[([^]]+)\]",
}
"""Where a version is written, and how it is found there."""

RELEASED = r"^## \[{version}\] - \d{{4}}-\d{{2}}-\d{{2}}$"


def complaints(tag: str, root: Path = ROOT) -> list[str]:
    """Return what stands against a release with this tag, one line each."""
    version = tag.removeprefix("v")
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        return [f"{tag} is not a tag like v1.2.3"]
    found = {path: _first(pattern, root / path) for path, pattern in VERSIONS.items()}
    differing = [f"{path} says {other}, not {version}" for path, other in found.items() if other != version]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    dated = re.search(RELEASED.format(version=re.escape(version)), changelog, re.MULTILINE)
    return differing + ([] if dated else [f"CHANGELOG.md has no line '## [{version}] - YYYY-MM-DD'"])


def notes(tag: str, root: Path = ROOT) -> str:
    """Return the changelog's text about a version.

    Raises:
        LookupError: it has none.
    """
    version = re.escape(tag.removeprefix("v"))
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## \[{version}\].*\n([\s\S]*?)(?=^## \[|\Z)", text, re.MULTILINE)
    if not found:
        raise LookupError(f"CHANGELOG.md tells nothing of {tag}")
    return found.group(1).strip() + "\n"


def _first(pattern: str, file: Path) -> str:
    found = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else "nothing"


def main(arguments: Sequence[str]) -> int:
    """Do what the first word says, for the tag that follows."""
    task, tag = arguments
    if task == "notes":
        print(notes(tag), end="")
        return 0
    found = complaints(tag)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
