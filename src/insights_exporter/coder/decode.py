"""Decode responses: strictly and fast, or row by row if that fails.

A response is made of envelopes, which exist once, and of rows, of which there
are many. A row that cannot be decoded is dropped and counted. An envelope, or
a path of which no row can be decoded, makes the response invalid.

All numbers are floats: `3.0` for an integer and integers of any size are
normal then, and a gauge holds nothing else.
"""

import json
import math
import re
import sys
from codecs import BOM_UTF8
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import NoneType
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

import msgspec
from msgspec.structs import fields

from insights_exporter.coder.request import InvalidResponse

T = TypeVar("T")

NonNegative = Annotated[float, msgspec.Meta(ge=0, le=sys.float_info.max)]

_MAX_ROW_BY_ROW_BYTES = 32 * 1024 * 1024
"""Plain JSON needs up to 16 times its own bytes."""
_MAX_DROPPED_ROWS = 10_000


class Row(msgspec.Struct, frozen=True, gc=False):
    """One of many objects in a list: dropped alone if it cannot be decoded.

    A field without a default must be present. `__post_init__` may reject a row: it raises `ValueError`
    with `field: what is wrong`.
    """


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """An object that exists once.

    The response is invalid without a field that has no default, and with one of another type. A field that
    may be None is None then instead, and that is counted. A list that is null is empty.
    """


class Detail(msgspec.Struct, frozen=True, gc=False):
    """An object in a row or another detail: it is None if it cannot be decoded, and that is counted.

    A row has it as `object`, which `decode_detail` decodes: then the limits of decoding row by row do not
    apply, however many are invalid.
    """


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """A response, and one reason for each row or field that was dropped; reasons hold no data."""

    value: T
    invalid: tuple[str, ...] = ()

    def is_complete(self, place: str) -> bool:
        """Return whether nothing was dropped at `place` or below it."""
        return not any(reason.startswith(place) for reason in self.invalid)


def decode(body: bytes, type_: type[T]) -> Decoded[T]:
    """Decode `body` as `type_`, an envelope or a list of rows.

    Raises:
        InvalidResponse: The body is not JSON or has an unknown shape.
    """
    text = body.removeprefix(BOM_UTF8)
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Decoded(msgspec.json.decode(text, type=type_))
    if len(text) > _MAX_ROW_BY_ROW_BYTES:
        problem = f"{len(text):,} bytes cannot be decoded at once, and are too many to decode row by row"
        raise InvalidResponse(problem, "newer_coder")
    reader = _RowReader()
    value = reader.read(_parse(text), type_, "")
    for place, (total, understood, first) in reader.paths.items():
        if total and not understood:
            raise _create_mismatch(place, f"none of {total:,} rows is valid; the first: {first}")
    return Decoded(value, tuple(reader.invalid))


def decode_detail(raw: object, type_: type[T], place: str) -> Decoded[T | None]:
    """Decode a detail of a row, which is at `place` in the response; None if it is invalid."""
    if raw is None:
        return Decoded(None)
    with suppress(msgspec.ValidationError):
        return Decoded(msgspec.convert(raw, type_))
    reader = _RowReader()
    try:
        return Decoded(reader.read(raw, type_, place), tuple(reader.invalid))
    except InvalidResponse as mismatch:
        return Decoded(None, (str(mismatch),))


_SURROGATES = re.compile(rb"\\\\|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(\\u[dD][89a-fA-F]\w\w)")
"""An escaped backslash, a whole surrogate pair, or (the group) half of one, which UTF-8 cannot hold."""


def _parse(text: bytes) -> object:
    """Parse JSON with all numbers as floats: infinite beyond the largest."""
    text = _SURROGATES.sub(lambda match: rb"\ufffd" if match[1] else match[0], text)
    try:
        return json.loads(text, parse_int=float)
    except RecursionError:
        problem = "it is nested too deeply"
    except json.JSONDecodeError as error:
        problem = f"{error.msg.removesuffix(' at')} at character {error.pos}"
    except ValueError:
        problem = "it is not UTF-8"
    raise InvalidResponse(f"the response is not JSON: {problem}")


class _RowReader:
    """Converts parsed JSON and drops the rows that are invalid.

    `paths` counts the rows of each path, such as `report.users[]`: all, the valid ones, and why the first
    of the others is not.
    """

    def __init__(self) -> None:
        self.invalid: list[str] = []
        self.paths: dict[str, tuple[int, int, str]] = {}

    def read(self, raw: object, type_: Any, place: str) -> Any:  # noqa: ANN401 -- JSON becomes any type
        """Convert `raw`, which is at `place` in the response, to `type_`."""
        origin, args = get_origin(type_), get_args(type_)
        if NoneType in args:
            return None if raw is None else self.read(raw, args[0], place)
        if origin is dict:
            members = _convert(raw, dict, place).items()
            return {name: self.read(value, args[1], f"{place}.*") for name, value in members}
        if origin is list and _is_a(args[0], Row):
            rows = [] if raw is None else _convert(raw, list, place)
            return self._read_rows(rows, args[0], f"{place}[]")
        if _is_a(type_, (Row, Envelope, Detail)):
            return self._read_struct(_convert(raw, dict, place), type_, place)
        return _convert(raw, type_, place)

    def _read_rows(self, rows: list[object], type_: object, place: str) -> list[object]:
        total, understood, first = self.paths.get(place, (0, 0, ""))
        kept = []
        for row in rows:
            try:
                kept.append(self.read(row, type_, place))
            except InvalidResponse as mismatch:
                first = first or str(mismatch)
                self._drop(mismatch)
        self.paths[place] = total + len(rows), understood + len(kept), first
        return kept

    def _read_struct(self, raw: dict[str, object], type_: Any, place: str) -> object:  # noqa: ANN401 -- a type
        values = {}
        for each in _fields(type_):
            inside, args = f"{place}.{each.encode_name}", get_args(each.type)
            try:
                if each.encode_name in raw:
                    values[each.name] = self.read(raw[each.encode_name], each.type, inside)
                elif each.required:
                    raise _create_mismatch(inside, "missing")
            except InvalidResponse as mismatch:
                is_detail = NoneType in args and _is_a(args[0], Detail)
                is_plain = NoneType in args and not _is_a(args[0], Envelope) and _is_a(type_, Envelope)
                if not (is_detail or is_plain):
                    raise
                self._drop(mismatch)
                values[each.name] = None
        try:
            return type_(**values)
        except ValueError as error:
            name, _, what = str(error).partition(": ")
            raise _create_mismatch(f"{place}.{name}", what) from None

    def _drop(self, mismatch: InvalidResponse) -> None:
        self.invalid.append(str(mismatch))
        if len(self.invalid) > _MAX_DROPPED_ROWS:
            text = f"more than {_MAX_DROPPED_ROWS:,} rows are invalid; the first: {self.invalid[0]}"
            raise InvalidResponse(text, "newer_coder")


_WORDS = {
    "Expected": "expected",
    "Invalid RFC3339 encoded datetime": "expected a time",
    ">= 0.0": "of 0 or more",
    "`object`": "an object",
    "`array`": "a list",
    "`str`": "a string",
    "`float`": "a number",
    "`bool`": "a boolean",
    "`datetime`": "a time",
    "`null`": "null",
}


def _convert(raw: object, type_: Any, place: str) -> Any:  # noqa: ANN401 -- JSON becomes any type
    """Convert `raw` strictly; a mismatch is described in words of JSON instead of Python."""
    if isinstance(raw, float) and not math.isfinite(raw):
        raise _create_mismatch(place, "number out of range")
    try:
        return msgspec.convert(raw, type_)
    except msgspec.ValidationError as error:
        text = str(error)
    if " - at `$[" in text:  # which one and why depends on the order of the list
        raise _create_mismatch(place, "an item is invalid")
    for msgspec_words, words in _WORDS.items():
        text = text.replace(msgspec_words, words)
    raise _create_mismatch(place, text)


def _create_mismatch(place: str, what: str) -> InvalidResponse:
    if not place:
        return InvalidResponse(f"the response is not Coder's: {what}")
    return InvalidResponse(f"{place}: {what}".removeprefix("."), "newer_coder")


_fields = cache(fields)


def _is_a(type_: object, base: type | tuple[type, ...]) -> bool:
    return isinstance(type_, type) and issubclass(type_, base)
