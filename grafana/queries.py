"""Queries of panels, and their targets in Grafana's model."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.variants import Dataquery as Target
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

SOURCE: Final = "${datasource}"


class Kind(Enum):
    """The shape of a query's result: a range, current values, a table, or counts by bucket."""

    RANGE = "range"
    NOW = "now"
    TABLE = "table"
    BUCKETS = "buckets"
    BUCKETS_NOW = "buckets now"


FORMATS: Final = {
    Kind.TABLE: PromQueryFormat.TABLE,
    Kind.BUCKETS: PromQueryFormat.HEATMAP,
    Kind.BUCKETS_NOW: PromQueryFormat.HEATMAP,
}


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, the legend of its series (`{{label}}`), and their color if it has a meaning."""

    expr: str
    legend: str = ""
    color: str = ""


def refer_to_source() -> DataSourceRef:
    """Return the data source that the user selected."""
    return DataSourceRef(type_val="prometheus", uid=SOURCE)


def build_targets(queries: Iterable[Query], kind: Kind) -> list[Target]:
    """Return the targets of a panel, with the ids A, B, C, ..."""
    return [
        _build_target(query, letter, kind) for query, letter in zip(queries, ascii_uppercase, strict=False)
    ]


def _build_target(query: Query, letter: str, kind: Kind) -> Target:
    target = (
        Dataquery()
        .expr(query.expr)
        .ref_id(letter)
        .datasource(refer_to_source())
        .editor_mode(QueryEditorMode.CODE)
    )
    target = target.range() if kind in {Kind.RANGE, Kind.BUCKETS} else target.instant()
    legend = "{{le}}" if kind in {Kind.BUCKETS, Kind.BUCKETS_NOW} else query.legend
    return target.legend_format(legend).format(FORMATS.get(kind, PromQueryFormat.TIME_SERIES)).build()
