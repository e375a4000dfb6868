"""The JSON Schema of the config file, for editors."""

import ast
import inspect
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any

from insights_exporter.config.models import ConfigFile, Model
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
    return {**about, "title": "Config of insights-exporter", **_tidy(schema)}


def _models(base: type[Model]) -> Iterator[type[Model]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _describe(model: type[Model], part: dict[str, Any]) -> None:
    """Add the description of each attribute, inherited ones too.

    It is the text below the attribute. pydantic can read it as well, but does so at each start, for 0.1 s.
    """
    lineage = [each for each in reversed(model.__mro__) if issubclass(each, Model) and each is not Model]
    texts = {name: " ".join(text.split()) for each in lineage for name, text in _attribute_docstrings(each)}
    for format_ in part.get("anyOf", [part]):
        for key, value in format_.get("properties", {}).items():
            value["description"] = texts[key]


def _attribute_docstrings(model: type[Model]) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(inspect.getsource(model)).body
    for attribute, below in pairwise(ast.iter_child_nodes(definition)):
        match attribute, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text


def _tidy(part: Any) -> Any:  # noqa: ANN401 - a schema nests values of any type
    if isinstance(part, list):
        return [_tidy(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _format_default(value, part) if key == "default" else _tidy(value)
        for key, value in part.items()
        if not _is_redundant(key, value)
    }


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
