"""How label values and numbers are spelled in both exposition formats."""

from collections.abc import Mapping, Sequence
from math import inf

import msgspec

# Where spellings change: Python and JSON differ below _TINY, Go writes
# an exponent from _HUGE up, Python does so itself from _VAST up.
_TINY, _HUGE, _VAST = 1e-4, 1e6, 1e16
_EXPONENTS: Mapping[int, str] = {digits: f"e+{digits - 1:02d}" for digits in range(7, 17)}
_NOT_FINITE: Mapping[str, str] = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def escaped(text: str) -> str:
    """Return a label value as it stands between its quotes."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def spelled(value: float) -> str:
    """Return a number as the Prometheus clients spell it."""
    number = float(value)
    text = repr(number)
    return _with_exponent(text) if _HUGE <= number < _VAST else _NOT_FINITE.get(text, text)


def spelled_all(values: Sequence[float]) -> list[str]:
    """Return many numbers as `spelled` does, several times faster.

    A JSON encoder spells most numbers alike and all of them in one call; the
    others are spelled one by one.
    """
    numbers = list(map(float, values))
    texts = msgspec.json.encode(numbers)[1:-1].decode().split(",")
    if _all_alike(numbers):
        return texts
    return [
        text if _TINY <= number < _HUGE or number == 0 else _respelled(number, text)
        for number, text in zip(numbers, texts, strict=False)
    ]


def _all_alike(numbers: Sequence[float]) -> bool:
    """Return whether Python, JSON and Go spell all of the numbers alike; NaN makes the sum NaN."""
    return bool(numbers) and min(numbers) >= _TINY and max(numbers) < _HUGE and sum(numbers) < inf


def _respelled(number: float, text: str) -> str:
    return _with_exponent(text) if _HUGE <= number < _VAST else spelled(number)


def _with_exponent(text: str) -> str:
    """Return `1234500.0` as `1.2345e+06`, which is Go's spelling from a million up."""
    whole, _, fraction = text.partition(".")
    return f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.") + _EXPONENTS[len(whole)]
