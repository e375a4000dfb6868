"""The JSON Schema of the settings file, for editors."""

from collections.abc import Collection, Iterator
from typing import Any

from insights_exporter.config.models import ConfigFile, Model, descriptions
from insights_exporter.config.types import DURATION_PATTERN, format_duration

SCHEMA_PATH = "docs/configuration.schema.json"
SCHEMA_URL = f"https://github.com/insights-exporter/insights-exporter/raw/main/{SCHEMA_PATH}"


def json_schema(datasets: Collection[str]) -> dict[str, Any]:
    """Return the schema (Draft 2020-12) of the file given by `--config.file`, for the names of `datasets`."""
    schema: dict[str, Any] = ConfigFile.model_json_schema()
    parts = {**schema["$defs"], ConfigFile.__name__: schema}
    for model in _models(Model):
        if model.__name__ in parts:
            _describe(model, parts[model.__name__])
    for part in parts.values():
        if "datasets" in part.get("properties", {}):
            part["properties"]["datasets"]["propertyNames"] = {"enum": [*datasets]}
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_URL}
    return {**about, "title": "Settings of insights-exporter", **_tidy(schema)}


def _models(base: type[Model]) -> Iterator[type[Model]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _describe(model: type[Model], part: dict[str, Any]) -> None:
    described = descriptions(model)
    for format_ in part.get("anyOf", [part]):
        for key, value in format_.get("properties", {}).items():
            value["description"] = described[key]


def _tidy(part: Any) -> Any:  # noqa: ANN401 - a schema nests values of any type
    if isinstance(part, list):
        return [_tidy(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {key: _text(key, value, part) for key, value in part.items() if not _is_noise(key, value)}


def _is_noise(key: str, value: object) -> bool:
    """Say whether a keyword tells nothing: names again, and defaults that stand at the parts' own keys."""
    if key == "title":
        return isinstance(value, str)
    return key == "default" and (value is None or isinstance(value, dict))


def _text(key: str, value: object, owner: dict[str, Any]) -> object:
    return _default(value, owner) if key == "default" else _tidy(value)


def _default(value: Any, owner: dict[str, Any]) -> object:  # noqa: ANN401 - as in _tidy
    if owner.get("pattern") == f"^{DURATION_PATTERN}$":
        return format_duration(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [window["name"] for window in value]
    return value
