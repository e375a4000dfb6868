"""Hashes of the dashboards that the committed pictures show, stored alongside the pictures."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

PICTURES: Final = "docs/images/dashboards"
SUMS: Final = "SHA256SUMS"
"""In the format of sha256sum."""


def write(dashboards: Iterable[Path], pictures: Path) -> None:
    """Write the hashes of the dashboards that were rendered."""
    lines = (f"{_hash(file.read_bytes())}  {file.name}\n" for file in dashboards)
    (pictures / SUMS).write_text("".join(lines), encoding="utf-8")


def find_outdated(dashboards: Mapping[str, str], pictures: Path) -> list[str]:
    """Return the names of the dashboards (their text by path) that have changed since they were rendered."""
    file = pictures / SUMS
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    shown = {name: digest for digest, name in (line.split("  ") for line in text.splitlines())}
    now = {PurePosixPath(path).name: _hash(content.encode()) for path, content in dashboards.items()}
    return sorted(name for name in now.keys() | shown.keys() if now.get(name) != shown.get(name))


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()
