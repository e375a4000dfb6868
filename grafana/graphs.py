"""Panels over time."""

from collections.abc import Sequence
from dataclasses import dataclass
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

from grafana.queries import Kind, Query
from grafana.style import Look, dress

INTERVAL: Final = "5m"
"""No finer than the data: Coder counts anew every five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How lines are drawn. `dashed` names the queries (A, B, ...) that are only there to compare with."""

    steps: bool = False
    stacked: bool = False
    bars: bool = False
    limits: bool = False
    dashed: Sequence[str] = ()
    newest: str = ""


LINES: Final = Style()


def graph(look: Look, queries: Sequence[Query], style: Style = LINES) -> Panel:
    """Return lines over time, with a table of their values below."""
    builder = (
        timeseries.Panel()
        .interval(INTERVAL)
        .draw_style(common.GraphDrawStyle.BARS if style.bars else common.GraphDrawStyle.LINE)
        .line_interpolation(
            common.LineInterpolation.STEP_AFTER if style.steps else common.LineInterpolation.LINEAR
        )
        .line_width(2)
        .fill_opacity(30 if style.stacked or style.bars else 8)
        .show_points(common.VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    )
    return dress(_styled(builder, style).build(), look, queries, Kind.RANGE)


def _legend() -> VizLegendOptions:
    return (
        VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)  # noqa: FBT003  the builder's own signature
        .calcs(["lastNotNull", "max"])
    )


def _styled(builder: timeseries.Panel, style: Style) -> timeseries.Panel:
    if style.stacked:
        builder = builder.stacking(StackingConfig().mode(common.StackingMode.NORMAL))
    if style.limits:
        builder = builder.thresholds_style(
            GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    if style.newest:
        builder = builder.time_from(style.newest)
    for letter in style.dashed:
        builder = builder.override_by_query(letter, _dashes())
    return builder


def _dashes() -> list[DynamicConfigValue]:
    return [
        DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [6, 6]}),
        DynamicConfigValue("custom.lineWidth", 1),
        DynamicConfigValue("custom.fillOpacity", 0),
    ]
