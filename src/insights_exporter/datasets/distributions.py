"""Gauge histograms over all users of a report."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection
from functools import partial
from itertools import accumulate

from insights_exporter.datasets.sums import exact_sum
from insights_exporter.exposition.samples import Distribution

ACTIVITY_BOUNDS = (900, 1800, 3600, 7200, 14400, 28800, 57600, 86400, 144000, 288000, 576000)
"""Seconds, from a quarter of an hour to a month of working days."""

LATENCY_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
"""Seconds; at 0.15 and 0.3 Coder changes its own colours."""


def distribution(values: Collection[float], bounds: tuple[float, ...]) -> Distribution:
    """Count how many values are at most each bound, and add them up."""
    per_bucket = Counter(map(partial(bisect_left, bounds), values))
    counts = accumulate(per_bucket[bucket] for bucket in range(len(bounds) + 1))
    return Distribution(tuple(counts), exact_sum(values))
