"""Sums, histograms and bands of rows."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import accumulate
from typing import TypeVar

from insights_exporter.exposition.family import HistogramValue, SampleRow

K = TypeVar("K", bound=Hashable)


def sum_exactly(values: Iterable[float]) -> float:
    """Return the float nearest to the true sum, in any order of `values`; infinite beyond the largest."""
    numbers = list(values)
    try:
        return math.fsum(numbers)
    except OverflowError:
        total = sum(map(Fraction, numbers), Fraction())
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


def sum_by_key(rows: Iterable[tuple[K, float]]) -> dict[K, float]:
    """Return one value per key: rows that would be one series are added up."""
    parts: dict[K, list[float]] = {}
    for key, value in rows:
        parts.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else sum_exactly(values) for key, values in parts.items()}


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a value is distributed over users: a histogram, and bands between some of its bounds.

    `bands` are names in ascending order, each with its upper bound, which is one of `bounds` or infinity.
    """

    bounds: tuple[float, ...]
    bands: tuple[tuple[str, float], ...]

    def build_histogram(self, values: Collection[float]) -> HistogramValue:
        """Return the histogram of `values`."""
        per_bucket = Counter(map(partial(bisect_left, self.bounds), values))
        counts = accumulate(per_bucket[bucket] for bucket in range(len(self.bounds) + 1))
        return HistogramValue(tuple(counts), sum_exactly(values))

    def build_band_rows(self, labels: tuple[str, ...], histogram: HistogramValue) -> list[SampleRow]:
        """Return one row per band, named by its last label: the difference of two of the buckets."""
        counts = dict(zip((*self.bounds, math.inf), histogram.counts, strict=True))
        below = (0, *(counts[bound] for _, bound in self.bands))
        return [
            ((*labels, name), float(counts[bound] - lower))
            for (name, bound), lower in zip(self.bands, below, strict=False)
        ]


ACTIVITY = Distribution(
    bounds=(900, 1800, 3600, 7200, 14400, 28800, 57600, 86400, 144000, 288000, 576000),
    bands=(("up_to_1h", 3600), ("1h_to_4h", 14400), ("4h_to_16h", 57600), ("over_16h", math.inf)),
)
"""Seconds, from a quarter of an hour to a month of working days."""

LATENCY = Distribution(
    bounds=(0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0),
    bands=(("good", 0.15), ("fair", 0.3), ("poor", math.inf)),
)
"""Seconds; Coder's own colors change at 0.15 and 0.3."""
