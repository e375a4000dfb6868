"""Durations as Prometheus writes them: `30s`, `5m`, `1h30m`, `7d`."""

import re
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema

from insights_exporter.config.problems import Wrong

_UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
DURATION_PATTERN = "".join(f"([0-9]{{1,9}}{unit})?" for unit in _UNITS)
_PART = re.compile("([0-9]+)([a-z]+)")


def parse_duration(text: object) -> float:
    """Give the seconds that `text` says.

    Raises:
        Wrong: it is not a positive duration in Prometheus' spelling.
    """
    spelled = text if isinstance(text, str) and re.fullmatch(DURATION_PATTERN, text) else ""
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _PART.findall(spelled))
    if seconds <= 0:
        raise Wrong("is not a duration", "write it as Prometheus does, for example 30s, 5m or 1h30m")
    return float(seconds)


def format_duration(seconds: float) -> str:
    """Spell `seconds`, to the millisecond, as `parse_duration` reads them."""
    parts, rest = [], round(seconds * 1000)
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, round(size * 1000))
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0s"


def _seconds(value: object, info: ValidationInfo) -> float:
    in_file = info.context is not None
    return value if isinstance(value, float) and not in_file else parse_duration(value)


Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "minLength": 2, "pattern": f"^{DURATION_PATTERN}$"}),
]
"""Seconds in the program, Prometheus' spelling in the file."""
