"""Adding up, so that the order of rows changes nothing."""

import math
from collections.abc import Hashable, Iterable
from fractions import Fraction
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def exact_sum(values: Iterable[float]) -> float:
    """Give the float nearest to the true sum, infinite where there is none, in whatever order it is added."""
    numbers = list(values)
    try:
        return math.fsum(numbers)
    except OverflowError:
        return _nearest(sum(map(Fraction, numbers), Fraction()))


def added_up(rows: Iterable[tuple[K, float]]) -> dict[K, float]:
    """Give one value a key: rows that would be one series add up."""
    parts: dict[K, list[float]] = {}
    for key, value in rows:
        parts.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else exact_sum(values) for key, values in parts.items()}


def _nearest(total: Fraction) -> float:
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf
