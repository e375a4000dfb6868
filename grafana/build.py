"""Build dashboards and rules: `python -m grafana.build`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grafana import dashboards
from grafana.rules import render as rules

ROOT: Final = Path(__file__).resolve().parents[1]


def render() -> dict[str, str]:
    """Return the text of all built files, by their path in the repository."""
    return {**rules.render(), **dashboards.render()}


def write(files: Mapping[str, str], root: Path = ROOT) -> None:
    """Write `files` under `root`."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(render())
