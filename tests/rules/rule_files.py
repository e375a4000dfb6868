"""The rules as they are shipped, for the tests that read them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = ROOT / "helm/insights-exporter/rules"
RUNBOOKS: Final = ROOT / "docs/runbooks"


def load_rules(kind: str) -> tuple[Mapping[str, Any], ...]:
    """Return the rules of a kind, `alert` or `record`."""
    return tuple(
        rule
        for file in sorted(RULES.glob("*.yaml"))
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if kind in rule
    )
