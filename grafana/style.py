"""Common properties of panels: texts, unit, colors, and links that keep time range and variables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from grafana import reasons
from grafana.project import DashboardInfo
from grafana.queries import Kind, Query, build_targets, refer_to_source
from grafana.thresholds import ANY

Steps = tuple[tuple[float | None, str], ...]
"""Lower bounds and their colors; the first step has no bound."""

PLAIN: Final[Steps] = ((None, "blue"),)
"""For numbers that are neither good nor bad."""

NUMBER: Final = "locale"
SHARE: Final = "percentunit"
SECONDS: Final = "s"
HOURS: Final = "suffix:h"
"""Hours; Grafana's own unit would convert them into days and weeks."""
LONG: Final = "dtdurations"

KEPT: Final = (
    "${__url_time_range}&${datasource:queryparam}&${job:queryparam}&${instance:queryparam}"
    "&var-window=${window}"
)


def warn_above(notice: float, bad: float) -> Steps:
    """Return colors for values that should be low."""
    return ((None, "green"), (notice, "yellow"), (bad, "red"))


def warn_below(notice: float, bad: float) -> Steps:
    """Return colors for values that should be high."""
    return ((None, "red"), (bad, "yellow"), (notice, "green"))


def draw_limits_below(notice: float, bad: float) -> Steps:
    """Return the limit lines of a graph of values that should be high.

    Grafana draws each limit in the color of the step above it, so each step has the color of the
    values below its limit. Use it for graphs whose lines have colors of their own.
    """
    return ((None, "red"), (bad, "red"), (notice, "yellow"))


NONE_WANTED: Final[Steps] = ((None, "green"), (ANY, "red"))
"""For counts that should be 0."""

NONE_LIKED: Final[Steps] = ((None, "green"), (ANY, "yellow"))
"""For counts that are preferably 0."""

WANTED: Final[Steps] = ((None, "red"), (ANY, "green"))
"""For values that are 1 if all is well, and 0 otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelOptions:
    """A panel's texts and colors.

    `causes` are those of a panel without data, besides its polls. `no_value` is the whole
    text instead, for panels about the exporter. `backfill` is the command that imports the
    history of a graph, and `whole_days` says that a graph shows nothing of the current day.
    """

    title: str
    description: str
    unit: str = NUMBER
    steps: Steps = PLAIN
    decimals: int | None = None
    causes: tuple[str, ...] = ()
    no_value: str = ""
    backfill: str = ""
    whole_days: bool = False
    minimum: float | None = None
    maximum: float | None = None
    link: DashboardLink | None = None


def link_to(title: str, target: DashboardInfo, variables: str) -> DashboardLink:
    """Return a link from a value to `target` that keeps the time range and sets `variables`."""
    return DashboardLink(title).type(DashboardLinkType.LINK).url(f"{target.path}?{KEPT}&{variables}")


def build_thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Return the steps in Grafana's model."""
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value, color) for value, color in steps],
    )


BY_SERIES: Final = dashboard.FieldColorModeId.PALETTE_CLASSIC
BY_VALUE: Final = dashboard.FieldColorModeId.THRESHOLDS
"""How a panel chooses colors; set in each panel, because the default depends on its type."""


def apply_options(
    panel: dashboard.Panel,
    options: PanelOptions,
    queries: Sequence[Query],
    kind: Kind,
    colors: dashboard.FieldColorModeId = BY_VALUE,
) -> dashboard.Panel:
    """Return `panel` with its texts, colors and queries."""
    panel.title = options.title
    panel.description = options.description
    panel.datasource = refer_to_source()
    panel.repeat_direction = None
    panel.targets = build_targets(queries, kind)
    panel.field_config = panel.field_config or dashboard.FieldConfigSource()
    panel.field_config.defaults = _apply_standard_options(
        panel.field_config.defaults or dashboard.FieldConfig(), options
    )
    panel.field_config.defaults.color = dashboard.FieldColor(mode=colors)
    return panel


def _apply_standard_options(config: dashboard.FieldConfig, options: PanelOptions) -> dashboard.FieldConfig:
    config.unit = options.unit
    config.decimals = options.decimals
    config.no_value = options.no_value or reasons.describe_empty_panel(options.causes)
    config.min_val = options.minimum
    config.max_val = options.maximum
    config.thresholds = build_thresholds(options.steps)
    config.links = [options.link.build()] if options.link else None
    return config
