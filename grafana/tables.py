"""Tables: one row per set of labels, one query per column of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue, Panel

from grafana.panels import mapping
from grafana.queries import Kind, Query
from grafana.style import NUMBER, PLAIN, Look, Steps, dress, thresholds

COLORED: Final = {"type": "color-text"}

NARROWEST: Final = 80
"""Minimum width of a column in pixels, small enough to show all columns without scrolling."""

Words = Mapping[str, tuple[str, str]]
"""Texts and colours by value."""

HIDDEN: Final = ("Time", "deployment", "template_id", "user_id", "group_id")
"""Labels that identify rows; they are hidden unless a table lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of numbers; `words` are texts that replace values."""

    title: str
    expr: str
    unit: str = NUMBER
    steps: Steps = PLAIN
    decimals: int | None = None
    words: Words | None = None

    def properties(self) -> list[DynamicConfigValue]:
        """Return the column's overrides."""
        properties: dict[str, object] = {
            "unit": self.unit,
            "thresholds": thresholds(self.steps),
            "noValue": "-",
        }
        if self.words or self.steps is not PLAIN:
            properties["custom.cellOptions"] = COLORED
        if self.decimals is not None:
            properties["decimals"] = self.decimals
        if self.words:
            properties["mappings"] = [mapping(dict(self.words))]
        return [DynamicConfigValue(name, value) for name, value in properties.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a table: their labels with the columns' titles, and their order.

    `lowest_first` is a column that rows are sorted by before `sort`. `words` are
    texts that replace the values of labels, by the column's title.
    """

    labels: Mapping[str, str]
    sort: str
    descending: bool = True
    lowest_first: str = ""
    links: Mapping[str, DashboardLink] | None = None
    words: Mapping[str, Words] | None = None


def list_of(look: Look, rows: Rows, columns: Sequence[Column]) -> Panel:
    """Return a table: the labels first, then the numbers."""
    order = [(rows.sort, rows.descending)]
    if rows.lowest_first:
        order.insert(0, (rows.lowest_first, False))
    builder = (
        table.Panel()
        .filterable(True)  # noqa: FBT003  the builder's own signature
        .min_width(NARROWEST)
        .sort_by([TableSortByFieldState().display_name(title).desc(falling) for title, falling in order])
        .with_transformation(DataTransformerConfig("merge", options={}))
        .with_transformation(DataTransformerConfig("organize", options=_organize(rows, columns)))
    )
    for title in rows.labels.values():
        builder = builder.override_by_name(title, [DynamicConfigValue("noValue", "")])
    for column in columns:
        builder = builder.override_by_name(column.title, column.properties())
    for title, words in (rows.words or {}).items():
        properties = {"mappings": [mapping(dict(words))], "custom.cellOptions": COLORED}
        builder = builder.override_by_name(title, [DynamicConfigValue(*one) for one in properties.items()])
    for title, link in (rows.links or {}).items():
        builder = builder.override_by_name(title, [DynamicConfigValue("links", [link.build()])])
    return dress(builder.build(), look, [Query(column.expr) for column in columns], Kind.TABLE)


def _organize(rows: Rows, columns: Sequence[Column]) -> dict[str, object]:
    names = {**rows.labels, **_values(columns)}
    return {
        "excludeByName": {name: True for name in HIDDEN if name not in rows.labels},
        "renameByName": names,
        "indexByName": {name: place for place, name in enumerate(names)},
    }


def _values(columns: Sequence[Column]) -> dict[str, str]:
    """Return the columns' titles by Grafana's names for the values of queries.

    If only one query of a table returns data, Grafana's name has no letter.
    """
    lettered = {
        f"Value #{letter}": column.title for letter, column in zip(ascii_uppercase, columns, strict=False)
    }
    return {"Value": columns[0].title, **lettered}
