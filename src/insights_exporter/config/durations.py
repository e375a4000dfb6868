"""Durations as Prometheus writes them: `30s`, `5m`, `1h30m`, `7d`."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(
    "".join(
        rf"(?:(?P<{unit}>\d+){unit}(?!s))?" if unit == "m" else rf"(?:(?P<{unit}>\d+){unit})?"
        for unit in _UNITS
    )
)


def parse_duration(text: object) -> float:
    """Give the seconds that `text` says.

    Raises:
        ValueError: it is not a positive duration in Prometheus' spelling.
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    seconds = sum(_UNITS[unit] * int(count) for unit, count in found.groupdict(0).items()) if found else 0.0
    if seconds <= 0:
        message = f"{text!r} is not a duration; write it as Prometheus does, for example 30s, 5m or 1h30m"
        raise ValueError(message)
    return seconds


def format_duration(seconds: float) -> str:
    """Spell `seconds` as `parse_duration` reads them."""
    parts, rest = [], round(seconds * 1000)
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, round(size * 1000))
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts)


Seconds = Annotated[
    float,
    BeforeValidator(lambda value: value if isinstance(value, float) else parse_duration(value)),
    PlainSerializer(format_duration, return_type=str),
]
"""Seconds in the program, Prometheus' spelling in the file."""
