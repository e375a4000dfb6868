"""Panels of current values: big numbers, bars, and counts by bucket."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from grafana_foundation_sdk.builders import bargauge, stat
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizTextDisplayOptions
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    DynamicConfigValue,
    Panel,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMap,
    ValueMappingResult,
)

from grafana import reasons
from grafana.queries import Kind, Query
from grafana.style import PanelOptions, apply_options

LATEST: Final = "lastNotNull"


def map_values(texts: dict[str, tuple[str, str]]) -> ValueMap:
    """Return a mapping of values to texts and colors."""
    return ValueMap({value: ValueMappingResult(text, color) for value, (text, color) in texts.items()})


def _map_no_value(text: str) -> SpecialValueMap:
    """Return the text for panels without data, in the neutral color."""
    result = ValueMappingResult(text, "text")
    return SpecialValueMap(DashboardSpecialValueMapOptions(SpecialValueMatch.NULL_AND_NAN, result))


YES_NO: Final = {"1": ("yes", "green"), "0": ("no", "red")}


def build_stat(
    options: PanelOptions, expr: str, legend: str = "", *, texts: dict[str, tuple[str, str]] | None = None
) -> Panel:
    """Return a big number with the current value."""
    builder = (
        stat.Panel()
        .reduce_options(_reduce_to_latest())
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.VALUE)
        .text_mode(common.BigValueTextMode.VALUE if not legend else common.BigValueTextMode.VALUE_AND_NAME)
    )
    mappings = [map_values(texts)] if texts else []
    no_value = options.no_value or reasons.describe_empty_number(options.causes)
    options = replace(options, no_value=no_value)
    builder = builder.mappings([*mappings, _map_no_value(no_value)])
    return apply_options(builder.build(), options, [Query(expr, legend)], Kind.NOW)


def build_bars(options: PanelOptions, expr: str, legend: str) -> Panel:
    """Return horizontal bars, in the order of the query."""
    return apply_options(_create_bar_gauge().build(), options, [Query(expr, legend)], Kind.NOW)


def build_bucket_bars(options: PanelOptions, expr: str, names: Mapping[str, str]) -> Panel:
    """Return a bar for each bucket of a histogram's current value; `names` are by upper bound."""
    builder = _create_bar_gauge()
    for bound, name in names.items():
        builder = builder.override_by_name(bound, [DynamicConfigValue("displayName", name)])
    return apply_options(builder.build(), options, [Query(expr)], Kind.BUCKETS_NOW)


def _reduce_to_latest() -> ReduceDataOptions:
    return ReduceDataOptions().calcs([LATEST]).values(False)  # noqa: FBT003  the builder's own signature


def _create_bar_gauge() -> bargauge.Panel:
    return (
        bargauge.Panel()
        .reduce_options(_reduce_to_latest())
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.COLOR)
        .name_placement(common.BarGaugeNamePlacement.LEFT)
        .text(VizTextDisplayOptions().title_size(12).value_size(14))
        .show_unfilled(True)  # noqa: FBT003  the builder's own signature
    )
