"""The dashboards in their two forms, and the folders of each form."""

import json
from collections.abc import Callable
from typing import Any, Final

from grafana.base import Content, build
from grafana.dashboards_src import adoption, connection, health, templates, users
from grafana.importable import importable

BOARDS: Final[tuple[Callable[[], Content], ...]] = (
    adoption.content,
    templates.content,
    users.content,
    connection.content,
    health.content,
)

PROVISIONED: Final = "grafana/dashboards"
IMPORTABLE: Final = "grafana/importable"
OF_THE_CHART: Final = "helm/insights-exporter/dashboards"

EXCLUSIONS: Final = f"{PROVISIONED}/.lint"
"""Rules of dashboard-linter that are disabled, with the reason."""


def render() -> dict[str, str]:
    """Return the text of all dashboard files, by their path in the repository."""
    files: dict[str, str] = {}
    for content in (board() for board in BOARDS):
        provisioned = build(content)
        file = content.board.file
        files[f"{PROVISIONED}/{file}"] = files[f"{OF_THE_CHART}/{file}"] = _text(provisioned)
        files[f"{IMPORTABLE}/{file}"] = _text(importable(provisioned))
    return files


def _text(dashboard: dict[str, Any]) -> str:
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
