"""From bytes to wire structs: strictly and fast, or row by row where that fails."""

import json
import math
import types
from dataclasses import dataclass
from typing import Generic, TypeVar, Union, get_args, get_origin

import msgspec

from insights_exporter.datasets.dataset import InvalidAnswer
from insights_exporter.datasets.wire import Frame

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """An answer, and one reason for each row or field that had to be left out."""

    value: T
    invalid: tuple[str, ...] = ()

    def whole(self, place: str) -> bool:
        """Tell whether nothing was left out at `place` or below it."""
        return not any(reason.startswith(place) for reason in self.invalid)


class _Misfit(Exception):
    """A value that its type cannot take; the message has its place and no data."""


def decode(body: bytes, kind: type[T]) -> Decoded[T]:
    """Give what `body` says as `kind`, a struct or a list of structs.

    Raises:
        InvalidAnswer: The body is no JSON, or has another shape altogether.
    """
    try:
        return Decoded(msgspec.json.decode(body, type=kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _salvaged(body, kind)


def _salvaged(body: bytes, kind: type[T]) -> Decoded[T]:
    left_out: list[str] = []
    try:
        value = _value(_parsed(body), kind, "", left_out)
    except _Misfit as misfit:
        text = f"{misfit}; is there something else than Coder behind the url?"
        raise InvalidAnswer(text) from None
    return Decoded(value, tuple(left_out))  # type: ignore[arg-type]  # the walk follows `kind`


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body, parse_float=_nearest, parse_int=_nearest, parse_constant=_TooLarge)
    except RecursionError:
        problem = "it is nested too deeply"
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos}"
    except ValueError:
        problem = "it is not UTF-8"
    text = f"the answer is not JSON: {problem}; does a proxy or a sign-in page answer in Coder's place?"
    raise InvalidAnswer(text)


class _TooLarge:
    """A number that no float comes near to."""

    def __init__(self, _text: str) -> None:
        pass


def _nearest(text: str) -> float | _TooLarge:
    number = float(text)
    return number if math.isfinite(number) else _TooLarge(text)


def _value(raw: object, kind: object, place: str, left_out: list[str]) -> object:
    inner = _not_none(kind)
    if raw is None and inner is not kind:
        return None
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return _struct(raw, inner, place, left_out)
    if get_origin(inner) is dict:
        return _mapping(raw, get_args(inner)[1], place, left_out)
    if _holds_structs(inner):
        return _rows(raw, get_args(inner)[0], place, left_out)
    return _leaf(raw, inner, place)


def _struct(raw: object, kind: type[msgspec.Struct], place: str, left_out: list[str]) -> object:
    if not isinstance(raw, dict):
        raise _Misfit(_wrong(place, "an object", raw))
    values = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in raw:
            if field.required:
                text = f"{_below(place, field.encode_name)}: missing"
                raise _Misfit(text)
            continue
        try:
            values[field.name] = _value(
                raw[field.encode_name], field.type, _below(place, field.encode_name), left_out
            )
        except _Misfit as misfit:
            if not (issubclass(kind, Frame) and _is_leaf(field.type)):
                raise
            left_out.append(str(misfit))
    return kind(**values)


def _rows(raw: object, kind: object, place: str, left_out: list[str]) -> list[object]:
    if not isinstance(raw, list):
        raise _Misfit(_wrong(place, "a list", raw))
    kept = []
    for row in raw:
        try:
            kept.append(_value(row, kind, f"{place}[]", left_out))
        except _Misfit as misfit:
            left_out.append(str(misfit))
    return kept


def _mapping(raw: object, kind: object, place: str, left_out: list[str]) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise _Misfit(_wrong(place, "an object", raw))
    return {_mended(key): _value(item, kind, f"{place}.*", left_out) for key, item in raw.items()}


def _leaf(raw: object, kind: object, place: str) -> object:
    if isinstance(raw, list):
        raw = [_mended(item) if isinstance(item, str) else item for item in raw]
    try:
        return msgspec.convert(_mended(raw) if isinstance(raw, str) else raw, kind)
    except msgspec.ValidationError:
        raise _Misfit(_wrong(place, _spelled(kind), raw)) from None


def _mended(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can escape and UTF-8 cannot hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _not_none(kind: object) -> object:
    if get_origin(kind) not in {types.UnionType, Union}:
        return kind
    return next(part for part in get_args(kind) if part is not types.NoneType)


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _holds_structs(kind: object) -> bool:
    return get_origin(kind) is list and _is_struct(_not_none(get_args(kind)[0]))


def _is_leaf(kind: object) -> bool:
    inner = _not_none(kind)
    return not (_is_struct(inner) or _holds_structs(inner) or get_origin(inner) is dict)


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _wrong(place: str, expected: str, raw: object) -> str:
    return f"{place or 'the answer'}: expected {expected}, got {_JSON_NAMES.get(type(raw), 'something else')}"


def _spelled(kind: object) -> str:
    return _TYPE_NAMES.get(kind, "a list")


_JSON_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a text",
    float: "a number",
    bool: "a truth value",
    types.NoneType: "null",
    _TooLarge: "a number too large",
}
_TYPE_NAMES: dict[object, str] = {float: "a number", str: "a text", bool: "a truth value"}
