"""Panels over time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    StackingConfig,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, Panel

from grafana import reasons
from grafana.queries import Kind, Query
from grafana.style import BY_SERIES, PanelOptions, apply_options

INTERVAL: Final = "5m"
"""The resolution of the data: Coder updates its statistics every five minutes."""

SAWTOOTH: Final = (
    "Values of a window that includes today fall at midnight, when a whole day leaves it, and rise during "
    "the day; backfilled values are of whole days."
)
"""Explains falls in sums over a window that are no decline in usage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphStyle:
    """The style of a graph's lines.

    `filled` fills the area below a single line. `legend_right` puts the legend to the right, for many
    lines. `bars` draws events; their legend only has the maximum, because the last value may
    be old. `dashed` lists the queries (A, B, ...) that are only drawn for comparison. `time_from`
    replaces the dashboard's time range, such as `7d`.
    """

    steps: bool = False
    stacked: bool = False
    bars: bool = False
    limits: bool = False
    filled: bool = False
    legend_right: bool = False
    dashed: Sequence[str] = ()
    time_from: str = ""

    @property
    def opacity(self) -> int:
        """Return the opacity of the area below a line, in percent."""
        return 30 if self.stacked or self.bars else 10 if self.filled else 0


DEFAULT_STYLE: Final = GraphStyle()


def build_graph(options: PanelOptions, queries: Sequence[Query], style: GraphStyle = DEFAULT_STYLE) -> Panel:
    """Return lines over time from 0, with a table of their values."""
    builder = (
        timeseries.Panel()
        .interval(INTERVAL)
        .draw_style(common.GraphDrawStyle.BARS if style.bars else common.GraphDrawStyle.LINE)
        .line_interpolation(
            common.LineInterpolation.STEP_AFTER if style.steps else common.LineInterpolation.LINEAR
        )
        .line_width(2)
        .fill_opacity(style.opacity)
        .show_points(common.VisibilityMode.NEVER)
        .legend(_build_legend(style))
        .tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    )
    for query, letter in zip(queries, ascii_uppercase, strict=False):
        if properties := _build_overrides(query, dashed=letter in style.dashed):
            builder = builder.override_by_query(letter, properties)
    minimum = 0 if options.minimum is None else options.minimum
    no_value = options.no_value or reasons.describe_empty_graph(
        options.causes, options.backfill, whole_days=options.whole_days
    )
    options = replace(options, minimum=minimum, no_value=no_value)
    return apply_options(_apply_style(builder, style).build(), options, queries, Kind.RANGE, BY_SERIES)


def _build_legend(style: GraphStyle) -> VizLegendOptions:
    place = common.LegendPlacement.RIGHT if style.legend_right else common.LegendPlacement.BOTTOM
    return (
        VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(place)
        .show_legend(True)  # noqa: FBT003  the builder's own signature
        .calcs(["max"] if style.bars else ["lastNotNull", "max"])
        .sort_by("Max")
        .sort_desc(True)  # noqa: FBT003  as above
    )


def _apply_style(builder: timeseries.Panel, style: GraphStyle) -> timeseries.Panel:
    if style.stacked:
        builder = builder.stacking(StackingConfig().mode(common.StackingMode.NORMAL))
    if style.limits:
        builder = builder.thresholds_style(
            GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    if style.time_from:
        builder = builder.time_from(style.time_from)
    return builder


def _build_overrides(query: Query, *, dashed: bool) -> list[DynamicConfigValue]:
    """Return the overrides for the lines of a query."""
    dashes = [
        DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [6, 6]}),
        DynamicConfigValue("custom.lineWidth", 1),
        DynamicConfigValue("custom.fillOpacity", 0),
    ]
    color = DynamicConfigValue("color", {"mode": "fixed", "fixedColor": query.color})
    return [*(dashes if dashed else ()), *([color] if query.color else ())]
