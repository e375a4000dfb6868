"""Decode responses: strictly and fast, or row by row if that fails.

A response is made of envelopes, which exist once, and of rows, of which there
are many. A row that is not understood is dropped and counted. An envelope, or
a path of which no row at all is understood, makes the response invalid.

All numbers are floats: `3.0` for an integer and integers of any size are
normal then, and a gauge holds nothing else.
"""

import json
import math
import types
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from insights_exporter.coder.request import InvalidResponse

T = TypeVar("T")

NonNegative = Annotated[float, msgspec.Meta(ge=0)]

_MAX_ROW_BY_ROW_BYTES = 32 * 1024 * 1024
"""Plain JSON needs up to 25 times its own bytes."""
_MAX_DROPPED_ROWS = 10_000


class Row(msgspec.Struct, frozen=True, gc=False):
    """One of many objects in a list: dropped alone if it is not understood.

    A field without a default must be present. `__post_init__` may reject a row: it raises `ValueError`
    with `field: what is wrong`.
    """


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """An object that exists once.

    The response is invalid without a field that has no default, and with one of another type. A field that
    may be None is None then instead, and that is counted. A list that is null is empty.
    """


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """A response, and one reason for each row or field that was dropped; reasons hold no data."""

    value: T
    invalid: tuple[str, ...] = ()

    def complete(self, place: str) -> bool:
        """Return whether nothing was dropped at `place` or below it."""
        return not any(reason.startswith(place) for reason in self.invalid)


def decode(body: bytes, kind: type[T]) -> Decoded[T]:
    """Decode `body` as `kind`, an envelope or a list of rows.

    Raises:
        InvalidAnswer: The body is no JSON or has an unknown shape.
    """
    text = body.removeprefix(BOM_UTF8)
    try:
        return Decoded(msgspec.json.decode(text, type=kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_row_by_row(text, kind)


class _TypeMismatch(Exception):
    """A value that its type cannot hold; the message has the place and no data."""


@dataclass(slots=True)
class _Path:
    rows: int = 0
    understood: int = 0
    first_reason: str = ""


@dataclass(slots=True)
class _Tally:
    """What happened to the rows of each path, as `report.users[]`."""

    invalid: list[str] = field(default_factory=list)
    paths: dict[str, _Path] = field(default_factory=dict)

    def drop(self, reason: str) -> None:
        self.invalid.append(reason)
        if len(self.invalid) > _MAX_DROPPED_ROWS:
            text = f"more than {_MAX_DROPPED_ROWS} rows are not understood; the first: {self.invalid[0]}"
            raise InvalidResponse(text, "newer_coder")

    def check(self) -> None:
        for place, path in self.paths.items():
            if path.rows and not path.understood:
                text = f"{place}: none of {path.rows} rows is understood; the first: {path.first_reason}"
                raise InvalidResponse(text, "newer_coder")


def _decode_row_by_row(body: bytes, kind: type[T]) -> Decoded[T]:
    if len(body) > _MAX_ROW_BY_ROW_BYTES:
        text = f"{len(body)} bytes are not understood as a whole, too many to be read row by row"
        raise InvalidResponse(text, "newer_coder")
    tally = _Tally()
    try:
        value = _convert(_parse(body), kind, "", tally)
    except _TypeMismatch as mismatch:
        text = f"{mismatch}; is something other than Coder behind the url?"
        raise InvalidResponse(text) from None
    tally.check()
    return Decoded(value, tuple(tally.invalid))  # type: ignore[arg-type]  # the walk follows `kind`


class _TooLarge:
    """A number beyond the largest float, and NaN."""


def _parse(body: bytes) -> object:
    """Parse JSON, numbers as their nearest floats."""
    try:
        return json.loads(body, parse_float=_nearest, parse_int=_nearest, parse_constant=_nearest)
    except RecursionError:
        problem = "it is nested too deeply"
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos}"
    except ValueError:
        problem = "it is not UTF-8"
    text = f"the response is not JSON: {problem}; does a proxy or a sign-in page respond in Coder's place?"
    raise InvalidResponse(text)


def _nearest(text: str) -> float | _TooLarge:
    number = float(text)
    return number if math.isfinite(number) else _TooLarge()


def _convert(raw: object, kind: object, place: str, tally: _Tally) -> object:
    inner = _without_null(kind)
    if raw is None and _may_be_none(kind):
        return None
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return _convert_object(raw, inner, place, tally)
    if get_origin(inner) is dict:
        return _convert_mapping(raw, get_args(inner)[1], place, tally)
    if get_origin(inner) is list and raw is None:
        return []
    if _holds_rows(inner):
        return _convert_rows(raw, get_args(inner)[0], place, tally)
    return _convert_leaf(raw, inner, place)


def _convert_object(raw: object, kind: type[msgspec.Struct], place: str, tally: _Tally) -> object:
    _expect(raw, dict, place)
    convert_field = _convert_envelope_field if _is_envelope(kind) else _convert_row_field
    values = {
        name: convert_field(raw, info, _child(place, info.encode_name), tally)
        for name, info in _fields(kind).items()
        if info.encode_name in raw or info.required  # type: ignore[operator]  # a dict, as expected
    }
    try:
        return kind(**values)
    except ValueError as error:
        text = _child(place, str(error))
        raise (InvalidResponse(text, "newer_coder") if _is_envelope(kind) else _TypeMismatch(text)) from None


def _convert_row_field(raw: Any, info: FieldInfo, place: str, tally: _Tally) -> object:  # noqa: ANN401 -- JSON
    if info.encode_name not in raw:
        text = f"{place}: missing"
        raise _TypeMismatch(text)
    return _convert(raw[info.encode_name], info.type, place, tally)


def _convert_envelope_field(raw: Any, info: FieldInfo, place: str, tally: _Tally) -> object:  # noqa: ANN401 -- JSON
    try:
        return _convert_row_field(raw, info, place, tally)
    except _TypeMismatch as mismatch:
        if not _may_be_none(info.type) or _is_envelope(_without_null(info.type)):
            raise InvalidResponse(str(mismatch), "newer_coder") from None
        tally.drop(str(mismatch))
        return None


def _convert_mapping(raw: object, kind: object, place: str, tally: _Tally) -> dict[str, object]:
    _expect(raw, dict, place)
    members: Mapping[str, object] = raw  # type: ignore[assignment]  # as expected
    return {_clean(name): _convert(value, kind, f"{place}.*", tally) for name, value in members.items()}


def _convert_rows(raw: object, kind: object, place: str, tally: _Tally) -> list[object]:
    _expect(raw, list, place)
    inside = f"{place}[]"
    path = tally.paths.setdefault(inside, _Path())
    kept: list[object] = []
    for row in raw:  # type: ignore[attr-defined]  # a list, as expected
        path.rows += 1
        try:
            kept.append(_convert(row, kind, inside, tally))
        except _TypeMismatch as mismatch:
            path.first_reason = path.first_reason or str(mismatch)
            tally.drop(str(mismatch))
    path.understood += len(kept)
    return kept


def _convert_leaf(raw: object, kind: object, place: str) -> object:
    cleaned = [_clean(item) for item in raw] if isinstance(raw, list) else _clean(raw)
    try:
        return msgspec.convert(cleaned, kind)
    except msgspec.ValidationError:
        raise _mismatch(place, _TYPE_NAMES.get(kind, "a list"), raw) from None


def _clean(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """Replace halves of surrogate pairs in a string: JSON can escape them, UTF-8 cannot hold them."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _expect(raw: object, kind: type, place: str) -> None:
    if not isinstance(raw, kind):
        raise _mismatch(place, _JSON_NAMES[kind], raw)


def _mismatch(place: str, expected: str, raw: object) -> _TypeMismatch:
    got = _JSON_NAMES.get(type(raw), "something else")
    return _TypeMismatch(f"{place or 'the response'}: expected {expected}, got {got}")


def _child(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


@cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    return {info.name: info for info in fields(kind)}


@cache
def _without_null(kind: object) -> object:
    """Return `X` for `X | None`, and any other type as it is."""
    return next(part for part in get_args(kind) if part is not types.NoneType) if _may_be_none(kind) else kind


@cache
def _may_be_none(kind: object) -> bool:
    return get_origin(kind) in {types.UnionType, Union}


def _is_envelope(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Envelope)


@cache
def _holds_rows(kind: object) -> bool:
    row = _without_null(get_args(kind)[0]) if get_origin(kind) is list else None
    return isinstance(row, type) and issubclass(row, Row)


_JSON_NAMES: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    float: "a number",
    bool: "a boolean",
    types.NoneType: "null",
    _TooLarge: "a number too large",
}
_TYPE_NAMES: Mapping[object, str] = {
    float: "a number",
    NonNegative: "a number of 0 or more",
    str: "a string",
    bool: "a boolean",
}
