"""The dashboards in their two forms, and the folders of each form."""

import json
from collections.abc import Callable
from typing import Any, Final

from grafana.base import Content, build_dashboard
from grafana.dashboards_src import adoption, connection, health, templates, users
from grafana.importable import make_importable

DASHBOARDS: Final[tuple[Callable[[], Content], ...]] = (
    adoption.build_content,
    templates.build_content,
    users.build_content,
    connection.build_content,
    health.build_content,
)

PROVISIONED: Final = "grafana/dashboards"
IMPORTABLE: Final = "grafana/importable"
CHART: Final = "helm/insights-exporter/dashboards"

EXCLUSIONS: Final = f"{PROVISIONED}/.lint"
"""Rules of dashboard-linter that are disabled, with the reason."""


def render() -> dict[str, str]:
    """Return the text of all dashboard files, by their path in the repository."""
    files: dict[str, str] = {}
    for content in (build() for build in DASHBOARDS):
        provisioned = build_dashboard(content)
        file = content.dashboard.file
        files[f"{PROVISIONED}/{file}"] = files[f"{CHART}/{file}"] = _dump(provisioned)
        files[f"{IMPORTABLE}/{file}"] = _dump(make_importable(provisioned))
    return files


def _dump(dashboard: dict[str, Any]) -> str:
    return json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
