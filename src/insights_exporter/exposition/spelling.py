"""How label values and numbers are spelled in both exposition formats."""

from collections.abc import Mapping, Sequence

import msgspec

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})

# Where spellings change: Python and JSON differ below _TINY, Go writes
# an exponent from _HUGE up, Python does so itself from _VAST up.
_TINY, _HUGE, _VAST = 1e-4, 1e6, 1e16
_EXPONENTS: Mapping[int, str] = {digits: f"e+{digits - 1:02d}" for digits in range(7, 17)}
_NOT_FINITE: Mapping[str, str] = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def escaped(text: str) -> str:
    """Return a label value as it stands between its quotes."""
    return text.translate(_ESCAPES)


def spelled(value: float) -> str:
    """Return a number as the Prometheus clients spell it."""
    text = repr(float(value))
    return _with_exponent(text) if _HUGE <= value < _VAST else _NOT_FINITE.get(text, text)


def spelled_all(values: Sequence[float]) -> list[str]:
    """Return many numbers as `spelled` does, several times faster.

    A JSON encoder spells most numbers alike and all of them in one call; the
    others are set right one by one.
    """
    numbers = [float(value) for value in values]
    texts = msgspec.json.encode(numbers)[1:-1].decode().split(",")
    for index in [i for i, number in enumerate(numbers) if not (_TINY <= number < _HUGE or number == 0)]:
        texts[index] = spelled(numbers[index])
    return texts


def _with_exponent(text: str) -> str:
    """Return `1234500.0` as `1.2345e+06`, which is Go's spelling from a million up."""
    whole, _, fraction = text.partition(".")
    return f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.") + _EXPONENTS[len(whole)]
