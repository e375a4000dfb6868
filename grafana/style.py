"""Common properties of panels: texts, unit, colours, and links that keep time range and variables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from grafana import reasons
from grafana.project import Board
from grafana.queries import Kind, Query, source, targets
from grafana.thresholds import ANY

Steps = tuple[tuple[float | None, str], ...]
"""Lower bounds and their colours; the first step has no bound."""

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


def worse_above(notice: float, bad: float) -> Steps:
    """Return colours for values that should be low."""
    return ((None, "green"), (notice, "yellow"), (bad, "red"))


def worse_below(notice: float, bad: float) -> Steps:
    """Return colours for values that should be high."""
    return ((None, "red"), (bad, "yellow"), (notice, "green"))


NONE_WANTED: Final[Steps] = ((None, "green"), (ANY, "red"))
"""For counts that should be 0."""

NONE_LIKED: Final[Steps] = ((None, "green"), (ANY, "yellow"))
"""For counts that are preferably 0."""

WANTED: Final[Steps] = ((None, "red"), (ANY, "green"))
"""For values that are 1 if all is well, and 0 otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A panel's texts and colours.

    `nothing` is the text if there is no data, and `history` the command that
    backfills a graph.
    """

    title: str
    description: str
    unit: str = NUMBER
    steps: Steps = PLAIN
    decimals: int | None = None
    nothing: str = ""
    history: str = ""
    minimum: float | None = None
    maximum: float | None = None
    link: DashboardLink | None = None


def drill(title: str, board: Board, variables: str) -> DashboardLink:
    """Return a link from a value to `board` that keeps the time range and sets `variables`."""
    return DashboardLink(title).type(DashboardLinkType.LINK).url(f"{board.path}?{KEPT}&{variables}")


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Return the steps in Grafana's model."""
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value, color) for value, color in steps],
    )


BY_SERIES: Final = dashboard.FieldColorModeId.PALETTE_CLASSIC
BY_VALUE: Final = dashboard.FieldColorModeId.THRESHOLDS
"""How a panel chooses colours; set in each panel, because the default depends on its type."""


def dress(
    panel: dashboard.Panel,
    look: Look,
    queries: Sequence[Query],
    kind: Kind,
    colors: dashboard.FieldColorModeId = BY_VALUE,
) -> dashboard.Panel:
    """Return `panel` with its texts, colours and queries."""
    panel.title = look.title
    panel.description = look.description
    panel.datasource = source()
    panel.repeat_direction = None
    panel.targets = targets(queries, kind)
    panel.field_config = panel.field_config or dashboard.FieldConfigSource()
    panel.field_config.defaults = _defaults(panel.field_config.defaults or dashboard.FieldConfig(), look)
    panel.field_config.defaults.color = dashboard.FieldColor(mode=colors)
    return panel


def _defaults(config: dashboard.FieldConfig, look: Look) -> dashboard.FieldConfig:
    config.unit = look.unit
    config.decimals = look.decimals
    config.no_value = look.nothing or reasons.NO_DATA
    config.min_val = look.minimum
    config.max_val = look.maximum
    config.thresholds = thresholds(look.steps)
    config.links = [look.link.build()] if look.link else None
    return config
