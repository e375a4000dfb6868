"""Panels of one value each: big numbers, bars, states, and counts by bucket."""

from typing import Final

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, statetimeline
from grafana_foundation_sdk.builders.common import ReduceDataOptions
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.dashboard import Panel, ValueMap, ValueMappingResult
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from grafana.queries import Kind, Query
from grafana.style import Look, dress

LATEST: Final = "lastNotNull"


def mapping(texts: dict[str, tuple[str, str]]) -> ValueMap:
    """Return words and colours for values."""
    return ValueMap({value: ValueMappingResult(text, color) for value, (text, color) in texts.items()})


YES_NO: Final = {"1": ("yes", "green"), "0": ("no", "red")}


def number(
    look: Look, expr: str, legend: str = "", *, words: dict[str, tuple[str, str]] | None = None
) -> Panel:
    """Return a big number: how it is now."""
    builder = (
        stat.Panel()
        .reduce_options(_latest())
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .text_mode(common.BigValueTextMode.VALUE if not legend else common.BigValueTextMode.VALUE_AND_NAME)
    )
    if words:
        builder = builder.mappings([mapping(words)])
    return dress(builder.build(), look, [Query(expr, legend)], Kind.NOW)


def bars(look: Look, expr: str, legend: str) -> Panel:
    """Return horizontal bars, the longest first where the query sorts."""
    return dress(_bars().build(), look, [Query(expr, legend)], Kind.NOW)


def bucket_bars(look: Look, expr: str) -> Panel:
    """Return a bar for each bucket of a histogram: how it is now."""
    return dress(_bars().build(), look, [Query(expr)], Kind.BUCKETS_NOW)


def _latest() -> ReduceDataOptions:
    return ReduceDataOptions().calcs([LATEST]).values(False)  # noqa: FBT003  the builder's own signature


def _bars() -> bargauge.Panel:
    return (
        bargauge.Panel()
        .reduce_options(_latest())
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.COLOR)
        .name_placement(common.BarGaugeNamePlacement.LEFT)
        .show_unfilled(True)  # noqa: FBT003  the builder's own signature
    )


def bucket_map(look: Look, expr: str) -> Panel:
    """Return a map of a histogram's buckets over time."""
    builder = (
        heatmap.Panel()
        .calculate(False)  # noqa: FBT003  the builder's own signature
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64))
        .y_axis(heatmap.YAxisConfig().unit(look.unit))
        .cell_gap(1)
        .interval("5m")
    )
    return dress(builder.build(), look, [Query(expr)], Kind.BUCKETS)


def states(look: Look, expr: str, legend: str, words: dict[str, tuple[str, str]]) -> Panel:
    """Return a line of states over time for each series."""
    builder = (
        statetimeline.Panel()
        .mappings([mapping(words)])
        .show_value(common.VisibilityMode.NEVER)
        .fill_opacity(70)
        .line_width(0)
        .row_height(0.8)
    )
    return dress(_by_threshold(builder.build()), look, [Query(expr, legend)], Kind.RANGE)


def _by_threshold(panel: Panel) -> Panel:
    panel.field_config = panel.field_config or dashboard.FieldConfigSource()
    panel.field_config.defaults = panel.field_config.defaults or dashboard.FieldConfig()
    panel.field_config.defaults.color = dashboard.FieldColor(mode=dashboard.FieldColorModeId.THRESHOLDS)
    return panel
