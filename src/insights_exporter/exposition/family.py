"""What a metric family is: its declaration, apart from any sample of it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram", "gaugehistogram"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric family as it is declared, documented and rendered.

    `labels` are in the order in which rows give their values, `deployment`
    first where a family has it; they are printed sorted by name, as the
    Prometheus clients do. A counter's `name` carries its `_total`.
    `bounds` are the upper bounds of a histogram's buckets, ascending,
    positive, without `+Inf`.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    source: str = ""
    """The API field it comes from, as `dataset: field`."""
    merge: str = ""
    """How rows that would be one series become one."""
    absent: str = ""
    """When there is no such series."""
    example: str = ""
    """A PromQL query that reads it rightly."""
    stable: bool = True
    """Whether name and labels are promised until the next major version."""
    rolls_over: bool = False
    """Whether its labels name a day, so that it ends at midnight."""
