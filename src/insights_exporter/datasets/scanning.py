"""Walks through JSON without making anything of it: what is passed over costs no memory.

Where brackets match and texts end is all that is looked at; whether a value
is right in itself is for whoever takes its bytes.
"""

import json
import math
import re
from collections.abc import Iterator

from insights_exporter.datasets.dataset import InvalidAnswer

_DEEPEST = 32
_LONGEST = 2 * 1024 * 1024
"""Bytes of one value: no more is looked through in one go, or made into objects, of 25 times the size."""
_MOST_NAMES = 1000
_MOST_AT_ONCE = 256
_TEXT = r'"(?:[^"\\]++|\\.)*+"'


def _container(depth: int) -> str:
    inner = f"|{_container(depth - 1)}" if depth > 1 else ""
    return rf'[\[{{](?:[^\[\]{{}}"]++|{_TEXT}{inner})*+[\]}}]'


_ANY = rf"(?:{_TEXT}|[\w.+-]++|{_container(_DEEPEST)})"
_VALUE = re.compile(_ANY.encode(), re.DOTALL)
_VALUES = re.compile(
    rf"{_ANY}(?:[ \t\r\n]*+,[ \t\r\n]*+{_ANY}){{0,{_MOST_AT_ONCE - 1}}}+".encode(), re.DOTALL
)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_TYPES = {
    b"{": "an object",
    b"[": "a list",
    b'"': "a text",
    b"t": "a truth value",
    b"f": "a truth value",
    b"n": "null",
    **{bytes((byte,)): "a number" for byte in b"-0123456789NI"},
}


class TooLarge:
    """A number that no float comes near to."""

    def __init__(self, _text: str) -> None:
        pass


def parsed(text: bytes, at: int) -> object:
    """Give what JSON says, numbers as their nearest floats, and NaN as `TooLarge`.

    Raises:
        InvalidAnswer: It is no JSON; the message counts from `at`.
    """
    try:
        return json.loads(text, parse_float=_nearest, parse_int=_nearest, parse_constant=TooLarge)
    except RecursionError:
        problem = "it is nested too deeply"
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {at + error.pos}"
    except ValueError:
        problem = "it is not UTF-8"
    raise _not_json(problem)


class Scan:
    """A place in a body, which goes on as values are taken or passed over; messages count from `base`.

    All methods raise `InvalidAnswer` where they find that the body is no JSON, or nothing that Coder sends.
    """

    def __init__(self, body: bytes, base: int = 0) -> None:
        self._body = body
        self._base = base
        self._at = 0

    @property
    def at(self) -> int:
        """Where the next value is looked for."""
        return self._base + self._at

    def kind(self) -> str:
        """Say what kind of value comes next."""
        found = _TYPES.get(self._next())
        if found is None:
            raise self._broken("Expecting value")
        return found

    def skip(self) -> None:
        """Pass over the value that comes next."""
        self._pass(_VALUE)

    def take(self) -> bytes:
        """Give the bytes of the value that comes next."""
        return self._body[self._pass(_VALUE)]

    def take_some(self) -> bytes:
        """Give the bytes of the value that comes next, and of many behind it, with the commas between."""
        return self._body[self._pass(_VALUES)]

    def elements(self) -> Iterator[None]:
        """Stop before each value of the list that comes next; it must be taken before going on."""
        yield from self._within(b"]")

    def members(self) -> Iterator[str]:
        """Give each name in the object that comes next; its value must be taken before going on."""
        for number, _ in enumerate(self._within(b"}")):
            if number == _MOST_NAMES:
                text = f"an object has more than {_MOST_NAMES} names"
                raise InvalidAnswer(text)
            yield self._name()

    def end(self) -> None:
        """Make sure that nothing comes any more."""
        if self._next():
            raise self._broken("Extra data")

    def _pass(self, pattern: re.Pattern[bytes]) -> slice:
        self.kind()
        found = pattern.match(self._body, self._at, self._at + _LONGEST)
        if found is None:
            raise self._why()
        start, self._at = self._at, found.end()
        return slice(start, self._at)

    def _within(self, closing: bytes) -> Iterator[None]:
        self._at += 1
        if self._next() == closing:
            self._at += 1
            return
        yield
        while self._goes_on(closing):
            yield

    def _goes_on(self, closing: bytes) -> bool:
        mark = self._next()
        if mark not in {b",", closing}:
            raise self._broken("Expecting ',' delimiter")
        self._at += 1
        return mark == b","

    def _next(self) -> bytes:
        space = _SPACE.match(self._body, self._at)
        self._at = space.end() if space else self._at
        return self._body[self._at : self._at + 1]

    def _name(self) -> str:
        if self._next() != b'"':
            raise self._broken("Expecting property name enclosed in double quotes")
        start = self.at
        name = parsed(self.take(), start)
        if self._next() != b":":
            raise self._broken("Expecting ':' delimiter")
        self._at += 1
        return str(name)

    def _broken(self, problem: str) -> InvalidAnswer:
        return _not_json(f"{problem} at character {self.at}")

    def _why(self) -> InvalidAnswer:
        """Look closer at a value that does not end, as far as that is cheap."""
        piece = self._body[self._at : self._at + _LONGEST]
        if len(piece) == _LONGEST:
            return InvalidAnswer(f"the value at character {self.at} is longer than any of Coder's")
        try:
            parsed(piece, self.at)
        except InvalidAnswer as broken:
            return broken
        return _not_json("it is nested too deeply")


def _nearest(text: str) -> float | TooLarge:
    number = float(text)
    return number if math.isfinite(number) else TooLarge(text)


def _not_json(problem: str) -> InvalidAnswer:
    return InvalidAnswer(
        f"the answer is not JSON: {problem}; does a proxy or a sign-in page answer in Coder's place?"
    )
