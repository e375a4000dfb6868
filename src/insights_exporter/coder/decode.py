"""Decode responses: strictly and fast, or row by row if that fails.

A response is made of envelopes, which exist once, and of rows, of which there
are many. A row that is not understood is dropped and counted. An envelope, or
a path of which no row at all is understood, makes the response invalid.

All numbers are floats: `3.0` for an integer and integers of any size are
normal then, and a gauge holds nothing else.
"""

import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
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
        InvalidResponse: The body is not JSON or has an unknown shape.
    """
    text = body.removeprefix(BOM_UTF8)
    try:
        return Decoded(msgspec.json.decode(text, type=kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_row_by_row(text, kind)


def _decode_row_by_row(text: bytes, kind: type[T]) -> Decoded[T]:
    if len(text) > _MAX_ROW_BY_ROW_BYTES:
        problem = f"{len(text)} bytes are not understood as a whole, too many to be read row by row"
        raise InvalidResponse(problem, "newer_coder")
    reader = _RowReader()
    try:
        value = reader.read(_parse(text), kind, "")
    except _TypeMismatch as mismatch:
        problem = f"{mismatch}; is something other than Coder behind the url?"
        raise InvalidResponse(problem) from None
    for place, (total, understood, first) in reader.paths.items():
        if total and not understood:
            problem = f"{place}: none of {total} rows is understood; the first: {first}"
            raise InvalidResponse(problem, "newer_coder")
    return Decoded(value, tuple(reader.invalid))


def _parse(text: bytes) -> object:
    """Parse JSON with all numbers as floats and without halves of surrogate pairs."""
    numbers = dict.fromkeys(("parse_float", "parse_int", "parse_constant"), _read_number)
    try:
        return json.loads(text, **numbers, object_pairs_hook=_clean_object)  # type: ignore[arg-type]
    except RecursionError:
        problem = "it is nested too deeply"
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos}"
    except ValueError:
        problem = "it is not UTF-8"
    message = f"the response is not JSON: {problem}; does a proxy or a sign-in page respond in Coder's place?"
    raise InvalidResponse(message)


class _TooLarge:
    """A number beyond the largest float, and NaN."""


def _read_number(text: str) -> float | _TooLarge:
    number = float(text)
    return number if math.isfinite(number) else _TooLarge()


def _clean_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Replace halves of surrogate pairs: JSON can escape them, UTF-8 cannot hold them."""

    def clean(value: Any) -> Any:  # noqa: ANN401 -- JSON
        if isinstance(value, list):
            return [*map(clean, value)]
        if not isinstance(value, str) or value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    return {clean(name): clean(value) for name, value in members}


class _TypeMismatch(Exception):
    """A value that its type cannot hold; the message has the place and no data."""


class _RowReader:
    """Converts parsed JSON and drops the rows that are not understood.

    `paths` counts the rows of each path, such as `report.users[]`: all, those understood, and why the first
    of the others is not.
    """

    def __init__(self) -> None:
        self.invalid: list[str] = []
        self.paths: dict[str, tuple[int, int, str]] = {}

    def read(self, raw: object, kind: Any, place: str) -> Any:  # noqa: ANN401 -- JSON becomes any type
        """Convert `raw`, which is at `place` in the response, to `kind`."""
        kind, nullable = _split_null(kind)
        if raw is None and (nullable or get_origin(kind) is list):
            return None if nullable else []
        if get_origin(kind) is dict:
            members, inner = _convert(raw, dict, place), get_args(kind)[1]
            return {name: self.read(value, inner, f"{place}.*") for name, value in members.items()}
        if _holds_rows(kind):
            return self._read_rows(_convert(raw, list, place), get_args(kind)[0], f"{place}[]")
        if _is_a(kind, Envelope):
            return self._read_envelope(_convert(raw, dict, place), kind, place)
        if _is_a(kind, Row) and isinstance(raw, dict):
            lists = [each for each in _fields(kind) if each.encode_name in raw and _holds_rows(each.type)]
            raw = raw | {each.encode_name: self._read_field(raw, each, place) for each in lists}
        return _convert(raw, kind, place)

    def _read_rows(self, rows: Sequence[object], kind: object, place: str) -> list[object]:
        total, understood, first = self.paths.get(place, (0, 0, ""))
        kept = []
        for row in rows:
            try:
                kept.append(self.read(row, kind, place))
            except _TypeMismatch as mismatch:
                first = first or str(mismatch)
                self._drop(str(mismatch))
        self.paths[place] = total + len(rows), understood + len(kept), first
        return kept

    def _read_envelope(self, raw: Mapping[str, object], kind: Any, place: str) -> object:  # noqa: ANN401 -- a type
        values = {}
        for each in _fields(kind):
            if each.encode_name not in raw and not each.required:
                continue
            try:
                values[each.name] = self._read_field(raw, each, place)
            except _TypeMismatch as mismatch:
                inner, nullable = _split_null(each.type)
                if not nullable or _is_a(inner, Envelope):
                    raise InvalidResponse(str(mismatch), "newer_coder") from None
                self._drop(str(mismatch))
                values[each.name] = None
        try:
            return kind(**values)
        except ValueError as error:
            raise InvalidResponse(_child(place, str(error)), "newer_coder") from None

    def _read_field(self, raw: Mapping[str, object], info: FieldInfo, place: str) -> object:
        inside = _child(place, info.encode_name)
        if info.encode_name not in raw:
            raise _TypeMismatch(f"{inside}: missing")
        return self.read(raw[info.encode_name], info.type, inside)

    def _drop(self, reason: str) -> None:
        self.invalid.append(reason)
        if len(self.invalid) > _MAX_DROPPED_ROWS:
            text = f"more than {_MAX_DROPPED_ROWS} rows are not understood; the first: {self.invalid[0]}"
            raise InvalidResponse(text, "newer_coder")


_MISSING = re.compile("Object missing required field `(.*)`")
_WORDS: Mapping[str, str] = {
    "Expected": "expected",
    "Invalid RFC3339 encoded datetime": "expected a time",
    " | null`": "`",
    ">= 0.0": "of 0 or more",
    "`object`": "an object",
    "`array`": "a list",
    "`str`": "a string",
    "`float`": "a number",
    "`bool`": "a boolean",
    "`datetime`": "a time",
    "`null`": "null",
    f"`{_TooLarge.__name__}`": "a number too large",
}


def _convert(raw: object, kind: Any, place: str) -> Any:  # noqa: ANN401 -- JSON becomes any type
    """Convert `raw` strictly; a mismatch is described in words of JSON instead of Python."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        text, _, below = str(error).partition(" - at `$")
        is_from_row = error.__cause__ is not None
    below, _, item = below.rstrip("`").partition("[")
    place = (place + below).removeprefix(".")
    if item:  # which one and why depends on the order of the list
        raise _TypeMismatch(f"{place}: an item is not understood")
    if is_from_row:
        raise _TypeMismatch(_child(place, text))
    if missing := _MISSING.fullmatch(text):
        raise _TypeMismatch(f"{_child(place, missing[1])}: missing")
    for msgspec_words, words in _WORDS.items():
        text = text.replace(msgspec_words, words)
    raise _TypeMismatch(f"{place or 'the response'}: {text}")


def _child(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


_fields = cache(fields)


@cache
def _split_null(kind: object) -> tuple[object, bool]:
    """Return `X` and True for `X | None`, any other type and False."""
    if get_origin(kind) not in {UnionType, Union}:
        return kind, False
    return next(part for part in get_args(kind) if part is not NoneType), True


@cache
def _holds_rows(kind: object) -> bool:
    kind, _ = _split_null(kind)
    return get_origin(kind) is list and _is_a(_split_null(get_args(kind)[0])[0], Row)


def _is_a(kind: object, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)
