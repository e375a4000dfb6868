"""Exporter health: whether the numbers on the other dashboards can be trusted."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel, VariableHide

from grafana import project, reasons, variables
from grafana.base import Content
from grafana.dashboards_src import health_costs
from grafana.dashboards_src.health_costs import (
    AGGREGATED_SERIES,
    AVAILABLE,
    BY_POLL,
    DROPPED_SERIES,
    REQUESTS_LEFT,
    REQUESTS_LEFT_COLORS,
    SERIES,
    TOKEN_COLORS,
    TOKEN_REMAINING,
)
from grafana.graphs import GraphStyle, build_graph
from grafana.layout import Section, Tile
from grafana.panels import YES_NO, build_stat
from grafana.promql import (
    INFO,
    POLL,
    SCOPE,
    add_none,
    count_series,
    select_down_exporters,
    select_exporters,
    select_series,
)
from grafana.queries import Query
from grafana.style import LONG, NONE_LIKED, NONE_WANTED, SECONDS, SHARE, PanelOptions, link_to, warn_above
from grafana.tables import Column, TableRows, build_table
from grafana.thresholds import AGE_NOTICE, AGE_OVER

SUCCESS: Final = select_series("insights_exporter_poll_success", by=POLL)
MAX_AGE: Final = select_series("insights_exporter_max_age_seconds", by=POLL)
AGE: Final = f"time() - ({select_series('insights_exporter_last_success_timestamp_seconds', by=POLL)} > 0)"
AGE_SHARE: Final = f"({AGE}) / {MAX_AGE}"

AGE_COLORS: Final = warn_above(AGE_NOTICE, AGE_OVER)

TO_DEPLOYMENT: Final = link_to(
    "Show this deployment alone", project.HEALTH, "var-deployment=${__value.raw:percentencode}"
)


def build_content() -> Content:
    """Return the dashboard."""
    return Content(
        dashboard=project.HEALTH,
        description="Whether you can trust the numbers on the other dashboards: how fresh they are, which "
        "polls fail and why, and how close limits are.",
        since="now-24h",
        variables=[
            variables.build_datasource(),
            variables.build_job(),
            variables.build_instance(),
            variables.build_deployment(),
            variables.build_window("coder_insights_active_users", VariableHide.HIDE_VARIABLE),
        ],
        sections=[
            Section(title="Now", tiles=_build_stats()),
            Section(title="Polls", tiles=_build_polls()),
            Section(title="Requests to Coder", tiles=health_costs.build_requests()),
            Section(title="Limits", tiles=health_costs.build_limits()),
            Section(title="Exporters", tiles=health_costs.build_exporters()),
        ],
    )


def _build_stats() -> list[Tile]:
    panels = [
        build_stat(
            PanelOptions(
                title="Exporters down",
                description="Exporters whose last scrape by Prometheus failed.",
                steps=NONE_WANTED,
                no_value=reasons.NO_EXPORTER,
            ),
            f"count(\n{select_down_exporters(select_exporters('up'), f'{INFO}{{{SCOPE}}}')}\n)\n"
            f"or 0 * count({select_exporters(INFO)})",
        ),
        build_stat(
            PanelOptions(
                title="Deployments",
                description="Coder deployments that are polled.",
                no_value=reasons.NO_EXPORTER,
            ),
            f"count({count_series(SUCCESS)})",
        ),
        build_stat(
            PanelOptions(
                title="Polls failing now",
                description="Datasets and windows whose last poll failed.",
                steps=NONE_WANTED,
                no_value=reasons.NO_EXPORTER,
            ),
            f"count({SUCCESS} == 0) or 0 * count({SUCCESS})",
        ),
        build_stat(
            PanelOptions(
                title="Oldest data",
                description="Age of the oldest data as a share of max_age; at 100% its series expire.",
                unit=SHARE,
                steps=AGE_COLORS,
                decimals=0,
                no_value=reasons.NO_SUCCESS,
            ),
            f"max({AGE_SHARE})",
        ),
        build_stat(
            PanelOptions(
                title="Unavailable datasets",
                description="Datasets that a server does not have: it is too old, has no license for them, "
                "or its usage statistics are switched off.",
                steps=NONE_LIKED,
                no_value=reasons.NO_EXPORTER,
            ),
            f"count({AVAILABLE} == 0) or 0 * count({AVAILABLE})",
        ),
        build_stat(
            PanelOptions(
                title="Lowest token lifetime remaining",
                description="Remaining lifetime of the token that expires first. A session that each use "
                "extends stays near 100%.",
                unit=SHARE,
                steps=TOKEN_COLORS,
                decimals=0,
                no_value=reasons.NOT_SENT,
            ),
            f"min({TOKEN_REMAINING})",
        ),
        build_stat(
            PanelOptions(
                title="Lowest rate-limit budget",
                description="Requests that Coder's rate limit still allowed as of its last response; the "
                "lowest of all datasets.",
                steps=REQUESTS_LEFT_COLORS,
                no_value=reasons.NOT_SENT,
            ),
            f"min({REQUESTS_LEFT})",
        ),
        build_stat(
            PanelOptions(
                title="Series served",
                description="Series of Coder's data that the exporters expose.",
                no_value=reasons.NO_EXPORTER,
            ),
            f"sum({SERIES})",
        ),
    ]
    return [Tile(panel, 6, 3) for panel in panels]


def _build_polls() -> list[Tile]:
    age = build_graph(
        PanelOptions(
            title="Age of the data",
            description="Age of the data as a share of max_age. A sawtooth below 100% is healthy; above "
            "100%, the series have expired.",
            unit=SHARE,
            steps=AGE_COLORS,
            decimals=0,
            no_value=reasons.describe_empty_exporter_graph(reasons.NO_SUCCESS),
        ),
        [Query(AGE_SHARE, BY_POLL)],
        GraphStyle(limits=True, legend_right=True),
    )
    failing = build_graph(
        PanelOptions(
            title="Failing polls",
            description="Datasets and windows whose last poll failed, stacked.",
            decimals=0,
            no_value=reasons.describe_empty_exporter_graph(),
        ),
        [
            Query(
                add_none(f"{SUCCESS} == bool 0 == 1", f"count by (deployment) ({SUCCESS})", "dataset"),
                BY_POLL,
            )
        ],
        GraphStyle(bars=True, stacked=True, legend_right=True),
    )
    return [Tile(_build_table(), 24, 15), Tile(age, 12, 10), Tile(failing, 12, 10)]


def _build_table() -> Panel:
    return build_table(
        PanelOptions(
            title="Datasets",
            description="Every poll, failing ones first: whether it succeeds, how old its data is, also as a "
            "share of max_age, and what it costs. An empty age means that no poll has succeeded yet.",
            no_value=reasons.NO_EXPORTER,
        ),
        TableRows(
            labels={"deployment": "Deployment", "dataset": "Dataset", "window": "Window"},
            sort="Age",
            lowest_first="Good",
            links={"Deployment": TO_DEPLOYMENT},
            widths={"Dataset": 180},
        ),
        [
            Column(title="Good", expr=SUCCESS, unit="bool_yes_no", texts=YES_NO),
            Column(title="Age", expr=AGE, unit=LONG, decimals=0),
            Column(title="Of max_age", expr=AGE_SHARE, unit=SHARE, steps=AGE_COLORS, decimals=0),
            Column(
                title="Polled every",
                expr=select_series("insights_exporter_poll_interval_seconds", by=POLL),
                unit=LONG,
            ),
            Column(
                title="Takes",
                expr=select_series("insights_exporter_poll_duration_seconds", by=POLL),
                unit=SECONDS,
            ),
            Column(title="Series", expr=SERIES),
            Column(title="Aggregated", expr=AGGREGATED_SERIES),
            Column(title="Dropped", expr=DROPPED_SERIES),
        ],
    )
