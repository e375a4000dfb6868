"""The compose file as tests read it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.container.dockerfile import ROOT


class Mount(NamedTuple):
    """A file or folder of the repository, and where a container has it."""

    service: str
    source: Path
    target: str
    mode: str


def read_compose_file() -> dict[str, Any]:
    """Return the compose file."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return content


def list_mounts() -> Iterator[Mount]:
    """Yield what containers see of the repository."""
    for name, service in read_compose_file()["services"].items():
        for volume in service.get("volumes", []):
            source, target, mode = (*volume.split(":"), "")[:3]
            if source.startswith("./"):
                yield Mount(name, ROOT / source, target, mode)


def find_mount(service: str, path: str) -> Path:
    """Return the file of the repository that a container finds at a path.

    Raises:
        LookupError: there is none.
    """
    for mount in list_mounts():
        if mount.service == service and f"{path}/".startswith(f"{mount.target}/"):
            return mount.source / path.removeprefix(mount.target).lstrip("/")
    raise LookupError(f"{service} has no {path}")
