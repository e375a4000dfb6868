"""What every panel has: words, unit, colours, and links that keep time and variables."""

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
"""Colours from a value on; the first step has no value."""

PLAIN: Final[Steps] = ((None, "blue"),)
"""For numbers that are neither good nor bad."""

NUMBER: Final = "locale"
SHARE: Final = "percentunit"
SECONDS: Final = "s"
HOURS: Final = "suffix:h"
"""Hours of work, which Grafana's own unit would make days and weeks of."""
LONG: Final = "dtdurations"

KEPT: Final = (
    "${__url_time_range}&${datasource:queryparam}&${job:queryparam}&${instance:queryparam}"
    "&var-window=${window}"
)


def worse_above(notice: float, bad: float) -> Steps:
    """Return colours for what should be small."""
    return ((None, "green"), (notice, "yellow"), (bad, "red"))


def worse_below(notice: float, bad: float) -> Steps:
    """Return colours for what should be large."""
    return ((None, "red"), (bad, "yellow"), (notice, "green"))


NONE_WANTED: Final[Steps] = ((None, "green"), (ANY, "red"))
"""For counts that should be 0."""

NONE_LIKED: Final[Steps] = ((None, "green"), (ANY, "yellow"))
"""For counts that had better be 0."""

WANTED: Final[Steps] = ((None, "red"), (ANY, "green"))
"""For what is 1 where all is well, and 0 else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A panel's words and colours.

    `nothing` is why there is no data, where there is none, and `history` the
    command that brings in the past of a graph.
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
    """Return a link from a value to `board`, with time and variables kept and `variables` set."""
    return DashboardLink(title).type(DashboardLinkType.LINK).url(f"{board.path}?{KEPT}&{variables}")


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Return the steps as Grafana has them."""
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(value, color) for value, color in steps],
    )


BY_SERIES: Final = dashboard.FieldColorModeId.PALETTE_CLASSIC
BY_VALUE: Final = dashboard.FieldColorModeId.THRESHOLDS
"""How a panel chooses colours. Named in each, since the default is another for each type of panel."""


def dress(
    panel: dashboard.Panel,
    look: Look,
    queries: Sequence[Query],
    kind: Kind,
    colors: dashboard.FieldColorModeId = BY_VALUE,
) -> dashboard.Panel:
    """Return `panel` with its words, colours and queries."""
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
