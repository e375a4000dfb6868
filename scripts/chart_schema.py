"""Write the chart's values.schema.json from values.yaml and the exporter's config schema."""

import json
import re
from collections.abc import Mapping
from typing import Any

from grafana.rules.render import ALERTS
from insights_exporter.config.schema import build_json_schema
from insights_exporter.datasets.registry import DATASETS
from scripts.chart_values import CHART, Value, read

PATH = "helm/insights-exporter/values.schema.json"

KINDS = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}

_ACTIONS = (
    *("Replace", "Keep", "Drop", "HashMod", "LabelMap", "LabelDrop", "LabelKeep", "Lowercase", "Uppercase"),
    *("KeepEqual", "DropEqual"),
)
"""Prometheus Operator accepts these and their lower-case spellings."""

DEFINITIONS: Mapping[str, Any] = {
    "strings": {"type": "object", "additionalProperties": {"type": "string"}},
    "reference": {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {"name": {"type": "string", "minLength": 1}},
    },
    "duration": {"type": "string", "pattern": "^(([0-9]+(ms|[ywdhms]))+)?$"},
    "size": {"type": "string", "pattern": "^(0|([0-9]*[.])?[0-9]+((K|M|G|T|E|P)i?)?B)?$"},
    "count": {"type": ["integer", "null"], "minimum": 0},
    "webConfig": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "tls_server_config": {"type": "object"},
            "http_server_config": {"type": "object"},
            "basic_auth_users": {"$ref": "#/$defs/strings"},
            "rate_limit": {"type": "object"},
        },
    },
    "relabeling": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "action": {"enum": sorted({*_ACTIONS, *(action.lower() for action in _ACTIONS)})},
            "modulus": {"type": "integer"},
            "regex": {"type": "string"},
            "replacement": {"type": "string"},
            "separator": {"type": "string"},
            "sourceLabels": {"type": "array", "items": {"type": "string"}},
            "targetLabel": {"type": "string"},
        },
    },
    "ingressHost": {
        "type": "object",
        "required": ["paths"],
        "additionalProperties": False,
        "properties": {
            "host": {"type": "string"},
            "paths": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["path", "pathType"],
                    "additionalProperties": False,
                    "properties": {
                        "path": {"type": "string", "pattern": "^/"},
                        "pathType": {"enum": ["Exact", "Prefix", "ImplementationSpecific"]},
                    },
                },
            },
        },
    },
}

PARENTS_SWITCH = {
    "type": "boolean",
    "description": "Not read here: the usual switch of a parent chart that depends on this one.",
}


def render() -> Mapping[str, str]:
    """Return the text of the file, by its path."""
    values = read((CHART / "values.yaml").read_text(encoding="utf-8"))
    return {PATH: json.dumps(schema(values), indent=2, ensure_ascii=False) + "\n"}


def schema(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return the schema of values.yaml."""
    config = build_json_schema(DATASETS)
    definitions = {**DEFINITIONS, "alerts": _alerts(), "config": _config(config)}
    properties = {name: _property(value) for name, value in values.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart insights-exporter",
        "type": "object",
        "additionalProperties": False,
        "properties": {**properties, "enabled": PARENTS_SWITCH},
        "$defs": {**definitions, **config["$defs"]},
    }


def _alerts() -> dict[str, Any]:
    """Return the schema of alert overrides, limited to existing alerts and thresholds."""
    expressions: dict[str, str] = {}
    for alert in ALERTS:
        expressions[alert.name] = f"{expressions.get(alert.name, '')}\n{alert.expr}"
    return _closed({name: _alert(expr) for name, expr in expressions.items()})


def _alert(expr: str) -> dict[str, Any]:
    severities = _closed({severity: {"type": "string"} for severity in ("info", "warning")})
    names = sorted(set(re.findall(r"  # (\w+)$", expr, flags=re.MULTILINE)))
    return _closed(
        {
            "enabled": {"type": "boolean"},
            "severity": {"oneOf": [{"type": "string"}, severities]},
            "for": {"$ref": "#/$defs/duration"},
            "thresholds": _closed({name: {"type": "number", "minimum": 0} for name in names}),
        }
    )


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _property(value: Value) -> dict[str, Any]:
    if value.children:
        properties = {name: _property(child) for name, child in value.children.items()}
        # parent charts share values with other charts under `global`
        return {"type": "object", "additionalProperties": value.path == "global", "properties": properties}
    return {"description": value.about, **_kind(value), **value.schema, "default": value.default}


def _kind(value: Value) -> dict[str, Any]:
    """Return the type of the default, unless the comment sets a type."""
    if value.schema.keys() & {"$ref", "type"}:
        return {}
    if value.default is None:
        raise ValueError(
            f"values.yaml: {value.path} is null, so its type is not known; write `# @schema` above it"
        )
    return {"type": KINDS[type(value.default)]}


def _config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the exporter's config; the chart allows it to have no deployments."""
    deployments = {
        key: value for key, value in config["properties"]["deployments"].items() if key != "minItems"
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**config["properties"], "deployments": deployments},
    }
