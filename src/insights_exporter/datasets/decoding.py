"""From bytes to wire structs: strictly and fast, or row by row where that fails.

However odd an answer, it costs a few times its own bytes: what it says is
never held as a whole but in the structs that are wanted.
"""

from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar, get_args, get_origin

import msgspec

from insights_exporter.datasets.dataset import InvalidAnswer
from insights_exporter.datasets.mending import (
    Misfit,
    below,
    fields_of,
    holds_structs,
    mended,
    understood,
    without_null,
    wrong,
)
from insights_exporter.datasets.scanning import Scan
from insights_exporter.datasets.wire import Frame

T = TypeVar("T")

_MOST_LEFT_OUT = 10_000


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """An answer, and one reason for each row or field that had to be left out."""

    value: T
    invalid: tuple[str, ...] = ()

    def whole(self, place: str) -> bool:
        """Tell whether nothing was left out at `place` or below it."""
        return not any(reason.startswith(place) for reason in self.invalid)


def decode(body: bytes, kind: type[T]) -> Decoded[T]:
    """Give what `body` says as `kind`, a frame or a list of rows.

    Raises:
        InvalidAnswer: The body is no JSON, has another shape altogether, or
            more rows than can be told that cannot be understood.
    """
    text = body.removeprefix(BOM_UTF8)
    try:
        return Decoded(msgspec.json.decode(text, type=kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _salvaged(text, kind)


def _salvaged(body: bytes, kind: type[T]) -> Decoded[T]:
    scan, left_out = Scan(body), list[str]()
    try:
        value = _value(scan, kind, "", left_out)
        scan.end()
    except Misfit as misfit:
        text = f"{misfit}; is there something else than Coder behind the url?"
        raise InvalidAnswer(text) from None
    return Decoded(value, tuple(left_out))  # type: ignore[arg-type]  # the walk follows `kind`


def _value(scan: Scan, kind: object, place: str, left_out: list[str]) -> object:
    inner = without_null(kind)
    if inner is not kind and scan.kind() == "null":
        scan.skip()
        return None
    if isinstance(inner, type) and issubclass(inner, Frame):
        return _frame(scan, inner, place, left_out)
    if get_origin(inner) is dict:
        return _mapping(scan, get_args(inner)[1], place, left_out)
    if holds_structs(inner):
        return _rows(scan, get_args(inner)[0], place, left_out)
    return _alone(scan, kind, place, left_out)


def _frame(scan: Scan, kind: type[Frame], place: str, left_out: list[str]) -> Frame:
    _expect(scan, "an object", place)
    fields, values = fields_of(kind), {}
    for name in scan.members():
        field = fields.get(name)
        if field is None:
            scan.skip()
            continue
        try:
            values[field.name] = _value(scan, field.type, below(place, name), left_out)
        except _LeftOut as misfit:
            left_out.append(str(misfit))
    return kind(**values)


def _mapping(scan: Scan, kind: object, place: str, left_out: list[str]) -> dict[str, object]:
    _expect(scan, "an object", place)
    return {mended(name): _value(scan, kind, f"{place}.*", left_out) for name in scan.members()}


def _rows(scan: Scan, kind: object, place: str, left_out: list[str]) -> list[object]:
    """Give the rows that can be understood: many at once, one by one where an odd one is among them."""
    _expect(scan, "a list", place)
    kept: list[object] = []
    for _ in scan.elements():
        some = b"[%b]" % scan.take_some()
        try:
            kept += _decoder(kind).decode(some)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            kept += _one_by_one(Scan(some, scan.at - len(some) + 1), kind, f"{place}[]", left_out)
        if len(left_out) > _MOST_LEFT_OUT:
            text = f"{place or 'the list'}: more than {_MOST_LEFT_OUT} rows cannot be understood"
            raise Misfit(text)
    return kept


def _one_by_one(scan: Scan, kind: object, place: str, left_out: list[str]) -> Iterator[object]:
    for _ in scan.elements():
        try:
            yield _alone(scan, kind, place, left_out)
        except _LeftOut as misfit:
            left_out.append(str(misfit))


@cache
def _decoder(kind: object) -> msgspec.json.Decoder[list[object]]:
    return msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]  # known when it runs


class _LeftOut(Misfit):
    """A row or field that can be missing: what is around it stays."""


def _alone(scan: Scan, kind: object, place: str, left_out: list[str]) -> object:
    text = scan.take()
    try:
        return understood(text, kind, place, scan.at - len(text), left_out)
    except Misfit as misfit:
        raise _LeftOut(str(misfit)) from None


def _expect(scan: Scan, expected: str, place: str) -> None:
    got = scan.kind()
    if got != expected:
        raise wrong(place, expected, got)
