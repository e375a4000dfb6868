"""Whether an object has the fields that the definition of its kind publishes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.helm.chart import Object

TABLE: Any = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))["kinds"]

_DURATION = re.compile(r"0|([0-9]+(ms|[ywdhms]))+")
_SIMPLE = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "duration": lambda value: isinstance(value, str) and bool(_DURATION.fullmatch(value)),
}


def is_custom(found: Object) -> bool:
    """Return whether the kind of the object is none of Kubernetes' own."""
    return _kind(found) in TABLE


def find_errors(found: Object) -> list[str]:
    """Return what in the object's specification is not as published, by place."""
    return list(_find_errors(found["spec"], TABLE[_kind(found)], "spec"))


def _kind(found: Object) -> str:
    return f"{found['apiVersion']}/{found['kind']}"


def _find_errors(value: object, shape: object, place: str) -> Iterator[str]:
    match shape, value:
        case str(), _:
            yield from [] if _fits(value, shape) else [f"{place}: {value!r} is not {shape}"]
        case [inner], list():
            for index, item in enumerate(value):
                yield from _find_errors(item, inner, f"{place}[{index}]")
        case {"*": inner}, dict():
            for key, item in value.items():
                yield from _find_errors(item, inner, f"{place}.{key}")
        case dict(), dict():
            yield from _find_errors_in_fields(value, shape, place)
        case _:
            yield f"{place}: {value!r} is not a {type(shape).__name__}"


def _find_errors_in_fields(value: Object, shape: Object, place: str) -> Iterator[str]:
    fields = {name.removesuffix("!"): inner for name, inner in shape.items()}
    needed = {name.removesuffix("!") for name in shape if name.endswith("!")}
    yield from (f"{place}.{name} is missing" for name in sorted(needed - value.keys()))
    for name, item in value.items():
        if name in fields:
            yield from _find_errors(item, fields[name], f"{place}.{name}")
        else:
            yield f"{place}.{name} is not a field"


def _fits(value: object, shape: str) -> bool:
    """Return whether the value is of one of the kinds, or one of the words, that the shape names."""
    return any(_SIMPLE[each](value) if each in _SIMPLE else each == value for each in shape.split("|"))
