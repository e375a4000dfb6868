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

    @property
    def series(self) -> int:
        """How many series the rows are to Prometheus."""
        lines_of_a_row = len(self.family.bounds) + 3 if self.family.kind.endswith("histogram") else 1
        return len(self.rows) * lines_of_a_row
