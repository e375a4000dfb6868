"""The form for manual import: Grafana prompts for the data source once; there is no variable for it."""

from collections.abc import Iterable
from typing import Any, Final

from grafana.queries import SOURCE

INPUT: Final = "DS_PROMETHEUS"
KEPT_SOURCE: Final = "${datasource:queryparam}&"

OLDEST_GRAFANA: Final = "10.4.0"


def make_importable(provisioned: dict[str, Any]) -> dict[str, Any]:
    """Return the importable form of a dashboard in its provisioned form."""
    dashboard: dict[str, Any] = _replace_source(provisioned)
    variables = [one for one in dashboard["templating"]["list"] if one["type"] != "datasource"]
    return {
        **dashboard,
        "templating": {"list": variables},
        "id": None,
        "__inputs": [_build_input()],
        "__elements": {},
        "__requires": _list_requirements(provisioned["panels"]),
    }


def _replace_source(value: Any) -> Any:  # noqa: ANN401  any part of a JSON document
    """Return `value` with the input in place of the variable."""
    if isinstance(value, dict):
        return {key: _replace_source(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_replace_source(part) for part in value]
    if isinstance(value, str):
        return value.replace(KEPT_SOURCE, "").replace(SOURCE, f"${{{INPUT}}}")
    return value


def _build_input() -> dict[str, str]:
    return {
        "name": INPUT,
        "label": "Prometheus",
        "description": "Where the insights exporter's series are",
        "type": "datasource",
        "pluginId": "prometheus",
        "pluginName": "Prometheus",
    }


def _list_requirements(panels: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the versions and plugins that the importing Grafana requires."""
    kinds = sorted({panel["type"] for panel in panels} - {"row"})
    return [
        {"type": "grafana", "id": "grafana", "name": "Grafana", "version": OLDEST_GRAFANA},
        {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
        *({"type": "panel", "id": kind, "name": kind, "version": ""} for kind in kinds),
    ]
