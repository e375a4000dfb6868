"""Samples: the values of a family, before they are text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from insights_exporter.exposition.family import Family


class Distribution(NamedTuple):
    """The value of a histogram: one count a bucket, and the sum of all.

    `counts` are cumulative and end with the `+Inf` bucket, so that there is
    one more of them than the family has bounds.
    """

    counts: tuple[int, ...]
    total: float


Row = tuple[tuple[str, ...], float]
"""Label values (all but `deployment`, in the family's order) and a value."""

DistributionRow = tuple[tuple[str, ...], Distribution]


@dataclass(frozen=True, slots=True)
class Samples:
    """All rows of one family that come from one place.

    A family of kind `histogram` or `gaugehistogram` has `DistributionRow`s,
    every other one plain `Row`s.
    """

    family: Family
    rows: Sequence[Row] | Sequence[DistributionRow]
