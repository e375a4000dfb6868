"""The workflow files as tests read them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
FILES: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))
WRITES: Final = {
    ("release.yml", "wheel"): {"id-token", "attestations"},
    ("release.yml", "image"): {"packages", "id-token", "attestations"},
    ("release.yml", "chart"): {"packages", "id-token"},
    ("release.yml", "draft"): {"contents"},
}
"""What the token of a job may write; that of any other job may write nothing."""


class Job(NamedTuple):
    """A job and its file."""

    file: str
    name: str
    content: dict[str, Any]


def workflow(file: Path) -> dict[str, Any]:
    """Return a workflow file."""
    # YAML 1.1 reads the key `on` as a truth value; as text it stays what GitHub reads.
    content: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 -- has no objects
    return content


def jobs() -> Iterator[Job]:
    """Yield all jobs of all workflows."""
    for file in FILES:
        for name, content in workflow(file)["jobs"].items():
            yield Job(file.name, name, content)


def steps() -> Iterator[dict[str, Any]]:
    """Yield all steps of all jobs."""
    for job in jobs():
        yield from job.content.get("steps", [])
