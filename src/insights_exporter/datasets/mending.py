"""One row or field that is not as it should be: what can still be understood of it."""

import types
from collections.abc import Mapping
from functools import cache
from typing import Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from insights_exporter.datasets.scanning import TooLarge, parsed


class Misfit(Exception):
    """A value that its type cannot take; the message has its place and no data."""


def understood(text: bytes, kind: object, place: str, at: int, left_out: list[str]) -> object:
    """Give one value as `kind`; reasons for rows within it that are not understood go to `left_out`.

    Raises:
        InvalidAnswer: It is no JSON; the message counts from `at`.
        Misfit: It is of another kind.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _value(parsed(text, at), kind, place, left_out)


@cache
def fields_of(kind: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    """Give the fields of a struct by their names in JSON."""
    return {field.encode_name: field for field in fields(kind)}


def without_null(kind: object) -> object:
    """Give the other type where a type is `X | None`, else the type."""
    if get_origin(kind) not in {types.UnionType, Union}:
        return kind
    return next(part for part in get_args(kind) if part is not types.NoneType)


def is_struct(kind: object) -> bool:
    """Tell whether a type is one of the wire structs."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def holds_structs(kind: object) -> bool:
    """Tell whether a type is a list of wire structs."""
    return get_origin(kind) is list and is_struct(without_null(get_args(kind)[0]))


def below(place: str, name: str) -> str:
    """Name the place of a field."""
    return f"{place}.{name}" if place else name


def wrong(place: str, expected: str, got: str) -> Misfit:
    """Say that a value is of another kind than its place wants."""
    return Misfit(f"{place or 'the answer'}: expected {expected}, got {got}")


def mended(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can escape and UTF-8 cannot hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def spelled(kind: object) -> str:
    """Say in a word what a type is."""
    if is_struct(kind):
        return "an object"
    return _TYPE_NAMES.get(kind, "a list")


def _value(raw: object, kind: object, place: str, left_out: list[str]) -> object:
    inner = without_null(kind)
    if raw is None and inner is not kind:
        return None
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return _struct(raw, inner, place, left_out)
    if holds_structs(inner):
        return _rows(raw, get_args(inner)[0], place, left_out)
    return _leaf(raw, inner, place)


def _struct(raw: object, kind: type[msgspec.Struct], place: str, left_out: list[str]) -> object:
    if not isinstance(raw, dict):
        raise wrong(place, "an object", _kind_of(raw))
    values = {}
    for name, field in fields_of(kind).items():
        inside = below(place, name)
        if name in raw:
            values[field.name] = _value(raw[name], field.type, inside, left_out)
        elif field.required:
            text = f"{inside}: missing"
            raise Misfit(text)
    return kind(**values)


def _rows(raw: object, kind: object, place: str, left_out: list[str]) -> list[object]:
    if not isinstance(raw, list):
        raise wrong(place, "a list", _kind_of(raw))
    kept = []
    for row in raw:
        try:
            kept.append(_value(row, kind, f"{place}[]", left_out))
        except Misfit as misfit:
            left_out.append(str(misfit))
    return kept


def _leaf(raw: object, kind: object, place: str) -> object:
    if isinstance(raw, list):
        raw = [mended(item) if isinstance(item, str) else item for item in raw]
    try:
        return msgspec.convert(mended(raw) if isinstance(raw, str) else raw, kind)
    except msgspec.ValidationError:
        raise wrong(place, spelled(kind), _kind_of(raw)) from None


def _kind_of(raw: object) -> str:
    return _JSON_NAMES.get(type(raw), "something else")


_JSON_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a text",
    float: "a number",
    bool: "a truth value",
    types.NoneType: "null",
    TooLarge: "a number too large",
}
_TYPE_NAMES: dict[object, str] = {float: "a number", str: "a text", bool: "a truth value"}
