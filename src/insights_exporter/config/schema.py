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
    """Return a part without redundant keywords, with descriptions in one line and values as in the file."""
    if isinstance(part, list):
        return [_tidy(each) for each in part]
    if not isinstance(part, dict):
        return part
    tidied = {key: _tidy(value) for key, value in part.items()}
    if isinstance(part.get("title"), str):  # else it is a key of that name
        del tidied["title"]
    default = part.get("default")
    if default is None or isinstance(default, dict):  # those of a section are at its keys
        tidied.pop("default", None)
    elif part.get("pattern") == f"^{DURATION_PATTERN}$":
        tidied["default"] = format_duration(default)
    elif isinstance(default, list) and default and isinstance(default[0], dict):
        tidied["default"] = [window["name"] for window in default]
    if isinstance(part.get("description"), str):
        tidied["description"] = " ".join(part["description"].split())
    return tidied
