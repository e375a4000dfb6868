"""The JSON Schema of the config file, for editors."""

from collections.abc import Collection
from typing import Any

from insights_exporter.config.models import ConfigFile
from insights_exporter.config.types import DURATION_PATTERN, format_duration

SCHEMA_PATH = "docs/configuration.schema.json"
SCHEMA_URL = f"https://github.com/insights-exporter/insights-exporter/raw/main/{SCHEMA_PATH}"


def build_json_schema(datasets: Collection[str]) -> dict[str, Any]:
    """Return the schema (Draft 2020-12) of the file given by `--config.file`, for the names of `datasets`."""
    schema: dict[str, Any] = ConfigFile.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        if "datasets" in part.get("properties", {}):
            part["properties"]["datasets"]["propertyNames"] = {"enum": [*datasets]}
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_URL}
    return {**about, "title": "Config of insights-exporter", **_tidy(schema)}


def _tidy(part: Any) -> Any:  # noqa: ANN401 -- a schema nests values of any type
    """Return a part without redundant keywords, and with descriptions in one line."""
    if isinstance(part, list):
        return [_tidy(each) for each in part]
    if not isinstance(part, dict):
        return part
    tidied = {key: _tidy(value) for key, value in part.items() if not _is_redundant(key, value)}
    if "default" in tidied:
        tidied["default"] = _format_default(part["default"], part)
    if isinstance(part.get("description"), str):
        tidied["description"] = " ".join(part["description"].split())
    return tidied


def _is_redundant(key: str, value: object) -> bool:
    """Return whether a keyword repeats a key's name, or defaults that are at the keys of a section."""
    if key == "title":
        return isinstance(value, str)
    return key == "default" and (value is None or isinstance(value, dict))


def _format_default(value: Any, owner: dict[str, Any]) -> object:  # noqa: ANN401 - as in _tidy
    if owner.get("pattern") == f"^{DURATION_PATTERN}$":
        return format_duration(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [window["name"] for window in value]
    return value
