"""Exporter health: whether the numbers on the other dashboards can be trusted."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel, VariableHide

from grafana import project, reasons, variables
from grafana.base import Content
from grafana.dashboards_src import health_costs
from grafana.dashboards_src.health_costs import (
    AVAILABLE,
    BY_POLL,
    DROPPED_SERIES,
    FOLDED_SERIES,
    LEFT,
    LEFT_COLORS,
    SERIES,
    TOKEN_COLORS,
    TOKEN_REST,
)
from grafana.graphs import Style, graph
from grafana.layout import Section, Tile
from grafana.panels import YES_NO, number
from grafana.promql import INFO, POLL, SCOPE, count, exporter, exporters_down, or_none, series
from grafana.queries import Query
from grafana.style import LONG, NONE_LIKED, NONE_WANTED, SECONDS, SHARE, Look, drill, worse_above
from grafana.tables import Column, Rows, list_of
from grafana.thresholds import AGE_NOTICE, AGE_OVER

SUCCESS: Final = series("insights_exporter_poll_success", by=POLL)
MAX_AGE: Final = series("insights_exporter_max_age_seconds", by=POLL)
AGE: Final = f"time() - ({series('insights_exporter_last_success_timestamp_seconds', by=POLL)} > 0)"
AGE_SHARE: Final = f"({AGE}) / {MAX_AGE}"

AGE_COLORS: Final = worse_above(AGE_NOTICE, AGE_OVER)

TO_DEPLOYMENT: Final = drill(
    "Show this deployment alone", project.HEALTH, "var-deployment=${__value.raw:percentencode}"
)


def content() -> Content:
    """Return the dashboard."""
    return Content(
        board=project.HEALTH,
        description="Whether you can trust the numbers on the other dashboards: how fresh they are, which "
        "polls fail and why, and how close limits are.",
        since="now-24h",
        variables=[
            variables.datasource(),
            variables.job(),
            variables.instance(),
            variables.deployment(),
            variables.window("coder_insights_active_users", VariableHide.HIDE_VARIABLE),
        ],
        sections=[
            Section(title="Now", tiles=_numbers()),
            Section(title="Polls", tiles=_polls()),
            Section(title="Requests to Coder", tiles=health_costs.requests()),
            Section(title="Limits", tiles=health_costs.limits()),
            Section(title="Exporters", tiles=health_costs.exporters()),
        ],
    )


def _numbers() -> list[Tile]:
    panels = [
        number(
            Look(
                title="Exporters down",
                description="Exporters whose last scrape by Prometheus failed.",
                steps=NONE_WANTED,
                nothing=reasons.NO_EXPORTER,
            ),
            f"count(\n{exporters_down(exporter('up'), f'{INFO}{{{SCOPE}}}')}\n)\n"
            f"or 0 * count({exporter(INFO)})",
        ),
        number(
            Look(
                title="Deployments",
                description="Coder deployments that are polled.",
                nothing=reasons.NO_EXPORTER,
            ),
            f"count({count(SUCCESS)})",
        ),
        number(
            Look(
                title="Polls failing now",
                description="Datasets and windows whose last poll failed.",
                steps=NONE_WANTED,
                nothing=reasons.NO_EXPORTER,
            ),
            f"count({SUCCESS} == 0) or 0 * count({SUCCESS})",
        ),
        number(
            Look(
                title="Oldest data",
                description="Age of the oldest data as a share of max_age; at 100% its series expire.",
                unit=SHARE,
                steps=AGE_COLORS,
                decimals=0,
                nothing=reasons.NO_SUCCESS,
            ),
            f"max({AGE_SHARE})",
        ),
        number(
            Look(
                title="Unavailable datasets",
                description="Datasets that a server does not have: it is too old, has no license for them, "
                "or its usage statistics are switched off.",
                steps=NONE_LIKED,
                nothing=reasons.NO_EXPORTER,
            ),
            f"count({AVAILABLE} == 0) or 0 * count({AVAILABLE})",
        ),
        number(
            Look(
                title="Lowest token lifetime remaining",
                description="Remaining lifetime of the token that expires first. A session that each use "
                "extends stays near 100%.",
                unit=SHARE,
                steps=TOKEN_COLORS,
                decimals=0,
                nothing=reasons.NOT_SENT,
            ),
            f"min({TOKEN_REST})",
        ),
        number(
            Look(
                title="Lowest rate-limit budget",
                description="Requests that Coder's rate limit still allowed as of its last response; the "
                "lowest of all datasets.",
                steps=LEFT_COLORS,
                nothing=reasons.NOT_SENT,
            ),
            f"min({LEFT})",
        ),
        number(
            Look(
                title="Series served",
                description="Series of Coder's data that the exporters expose.",
                nothing=reasons.NO_EXPORTER,
            ),
            f"sum({SERIES})",
        ),
    ]
    return [Tile(panel, 6, 3) for panel in panels]


def _polls() -> list[Tile]:
    age = graph(
        Look(
            title="Age of the data",
            description="Age of the data as a share of max_age. A sawtooth below 100% is healthy; above "
            "100%, the series have expired.",
            unit=SHARE,
            steps=AGE_COLORS,
            decimals=0,
        ),
        [Query(AGE_SHARE, BY_POLL)],
        Style(limits=True, aside=True),
    )
    failing = graph(
        Look(
            title="Failing polls",
            description="Datasets and windows whose last poll failed, stacked.",
            decimals=0,
        ),
        [
            Query(
                or_none(f"{SUCCESS} == bool 0 == 1", f"count by (deployment) ({SUCCESS})", "dataset"), BY_POLL
            )
        ],
        Style(bars=True, stacked=True, aside=True),
    )
    return [Tile(_table(), 24, 12), Tile(age, 12, 10), Tile(failing, 12, 10)]


def _table() -> Panel:
    return list_of(
        Look(
            title="Datasets",
            description="Every poll, failing ones first: whether it succeeds, how old its data is, also as a "
            "share of max_age, and what it costs. An empty age means that no poll has succeeded yet.",
            nothing=reasons.NO_EXPORTER,
        ),
        Rows(
            labels={"deployment": "Deployment", "dataset": "Dataset", "window": "Window"},
            sort="Age",
            lowest_first="Good",
            links={"Deployment": TO_DEPLOYMENT},
        ),
        [
            Column(title="Good", expr=SUCCESS, unit="bool_yes_no", words=YES_NO),
            Column(title="Age", expr=AGE, unit=LONG, decimals=0),
            Column(title="Of max_age", expr=AGE_SHARE, unit=SHARE, steps=AGE_COLORS, decimals=0),
            Column(
                title="Polled every",
                expr=series("insights_exporter_poll_interval_seconds", by=POLL),
                unit=LONG,
            ),
            Column(
                title="Takes", expr=series("insights_exporter_poll_duration_seconds", by=POLL), unit=SECONDS
            ),
            Column(title="Series", expr=SERIES),
            Column(title="Aggregated", expr=FOLDED_SERIES),
            Column(title="Dropped", expr=DROPPED_SERIES),
        ],
    )
