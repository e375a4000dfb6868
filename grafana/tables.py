"""Tables: one row per set of labels, one query per column of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue, Panel

from grafana.panels import map_values
from grafana.queries import Kind, Query
from grafana.style import NUMBER, PLAIN, PanelOptions, Steps, apply_options, build_thresholds

COLORED: Final = {"type": "color-text"}

NARROWEST: Final = 80
"""Minimum width of a column in pixels, small enough to show all columns without scrolling."""

ValueTexts = Mapping[str, tuple[str, str]]
"""Texts and colors by value."""

HIDDEN: Final = ("Time", "deployment", "template_id", "user_id", "group_id")
"""Labels that identify rows; they are hidden unless a table lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of numbers; `texts` are texts that replace values."""

    title: str
    expr: str
    unit: str = NUMBER
    steps: Steps = PLAIN
    decimals: int | None = None
    texts: ValueTexts | None = None

    def properties(self) -> list[DynamicConfigValue]:
        """Return the column's overrides."""
        properties: dict[str, object] = {
            "unit": self.unit,
            "thresholds": build_thresholds(self.steps),
            "noValue": "-",
        }
        if self.texts or self.steps is not PLAIN:
            properties["custom.cellOptions"] = COLORED
        if self.decimals is not None:
            properties["decimals"] = self.decimals
        if self.texts:
            properties["mappings"] = [map_values(dict(self.texts))]
        return [DynamicConfigValue(name, value) for name, value in properties.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """The rows of a table: their labels with the columns' titles, and their order.

    `lowest_first` is a column that rows are sorted by before `sort`. `texts` are
    texts that replace the values of labels, and `widths` are pixels, by the column's title.
    """

    labels: Mapping[str, str]
    sort: str
    descending: bool = True
    lowest_first: str = ""
    links: Mapping[str, DashboardLink] | None = None
    texts: Mapping[str, ValueTexts] | None = None
    widths: Mapping[str, int] | None = None


def build_table(options: PanelOptions, rows: TableRows, columns: Sequence[Column]) -> Panel:
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
        .with_transformation(
            DataTransformerConfig("organize", options=_build_organize_options(rows, columns))
        )
    )
    for title in rows.labels.values():
        builder = builder.override_by_name(title, [DynamicConfigValue("noValue", "")])
    for column in columns:
        builder = builder.override_by_name(column.title, column.properties())
    for title, texts in (rows.texts or {}).items():
        properties = {"mappings": [map_values(dict(texts))], "custom.cellOptions": COLORED}
        builder = builder.override_by_name(title, [DynamicConfigValue(*one) for one in properties.items()])
    for title, width in (rows.widths or {}).items():
        builder = builder.override_by_name(title, [DynamicConfigValue("custom.width", width)])
    for title, link in (rows.links or {}).items():
        builder = builder.override_by_name(title, [DynamicConfigValue("links", [link.build()])])
    return apply_options(builder.build(), options, [Query(column.expr) for column in columns], Kind.TABLE)


def _build_organize_options(rows: TableRows, columns: Sequence[Column]) -> dict[str, object]:
    names = {**rows.labels, **_name_values(columns)}
    return {
        "excludeByName": {name: True for name in HIDDEN if name not in rows.labels},
        "renameByName": names,
        "indexByName": {name: place for place, name in enumerate(names)},
    }


def _name_values(columns: Sequence[Column]) -> dict[str, str]:
    """Return the columns' titles by Grafana's names for the values of queries.

    If only one query of a table returns data, Grafana's name has no letter.
    """
    lettered = {
        f"Value #{letter}": column.title for letter, column in zip(ascii_uppercase, columns, strict=False)
    }
    return {"Value": columns[0].title, **lettered}
