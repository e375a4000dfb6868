"""Metric families and their samples: declarations and values, before they become text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

MetricType = Literal["gauge", "counter", "histogram", "gaugehistogram"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetricFamily:
    """A metric family as it is declared, documented and rendered.

    `labels` are in the order in which rows give their values, `deployment`
    first where a family has it; they are printed sorted by name, as the
    Prometheus clients do. A counter's `name` carries its `_total`.
    `bounds` are the upper bounds of a histogram's buckets, ascending,
    positive, without `+Inf`.
    """

    name: str
    help: str
    type: MetricType = "gauge"
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    merge: str = ""
    """How rows that would be one series become one, if there can be any."""
    absent: str = ""
    """When there is no such series."""
    example: str = ""
    """A PromQL query that uses it correctly."""
    stable: bool = True
    """Whether name and labels stay until the next major version."""
    expires_at_midnight: bool = False
    """Whether its labels name a day, so that it ends at midnight."""
    drop_order: int | None = None
    """Above `max_series` the families with the lowest number are dropped first, those without one never."""


class HistogramValue(NamedTuple):
    """The value of a histogram: one count a bucket, and the sum of all.

    `counts` are cumulative and end with the `+Inf` bucket, so that there is
    one more of them than the family has bounds.
    """

    counts: tuple[int, ...]
    total: float


SampleRow = tuple[tuple[str, ...], float]
"""Label values (all but `deployment`, in the family's order) and a value."""

HistogramRow = tuple[tuple[str, ...], HistogramValue]


@dataclass(frozen=True, slots=True)
class Columns:
    """Plain rows, column by column: tuples for a row per user would cost more than its text.

    `labels` has a column for each label (all but `deployment`, in the
    family's order), as long as `values`.
    """

    labels: tuple[Sequence[str], ...] = ()
    values: Sequence[float] = ()

    @classmethod
    def from_rows(cls, rows: Sequence[SampleRow]) -> Self:
        """Return rows as columns.

        Raises:
            ValueError: the rows have different numbers of label values.
        """
        labels = tuple(zip(*(labels for labels, _ in rows), strict=True))
        return cls(labels, [value for _, value in rows])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)

    def __iter__(self) -> Iterator[SampleRow]:
        """Yield the rows."""
        for place, value in enumerate(self.values):
            yield tuple(column[place] for column in self.labels), value

    def __getitem__(self, part: slice) -> Self:
        """Return some of the rows."""
        return type(self)(tuple(column[part] for column in self.labels), self.values[part])


@dataclass(frozen=True, slots=True)
class Samples:
    """All rows of one family from one source.

    A family of type `histogram` or `gaugehistogram` has `HistogramRow`s,
    every other one plain `SampleRow`s or `Columns`.
    """

    family: MetricFamily
    rows: Sequence[SampleRow] | Columns | Sequence[HistogramRow]

    @property
    def series(self) -> int:
        """The number of series that the rows are in Prometheus."""
        lines_of_a_row = len(self.family.bounds) + 3 if self.family.type.endswith("histogram") else 1
        return len(self.rows) * lines_of_a_row
