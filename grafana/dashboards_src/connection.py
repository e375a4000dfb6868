"""Connection quality: how fast users' connections to their workspaces are."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, reasons, variables
from grafana.base import Content
from grafana.graphs import GraphStyle, build_graph
from grafana.layout import Section, Tile
from grafana.panels import build_bucket_bars, build_stat
from grafana.promql import (
    AT_THE_END,
    LATENCY,
    QUALITY,
    TEMPLATE,
    TEMPLATE_LATENCY,
    TEMPLATE_LEGEND,
    TEMPLATE_QUALITY,
    WINDOW,
    add_template_titles,
    compute_latency_quantile,
    compute_quality_share,
    count_measured_users,
    filter_largest,
    select_series,
)
from grafana.queries import Query
from grafana.style import SECONDS, SHARE, PanelOptions, Steps, warn_above
from grafana.tables import Column, TableRows, build_table
from grafana.thresholds import LATENCY_FAIR, LATENCY_POOR, POOR_USERS, POOR_USERS_NOTICE

P50: Final = 'percentile="p50"'
BUCKETS: Final = select_series(LATENCY, WINDOW, P50, by=("le",))

BOUNDS: Final = {
    "0.01": "up to 10 ms",
    "0.025": "25 ms",
    "0.05": "50 ms",
    "0.1": "100 ms",
    "0.15": "150 ms",
    "0.2": "200 ms",
    "0.3": "300 ms",
    "0.5": "500 ms",
    "1.0": "1 s",
    "2.0": "2 s",
    "+Inf": "more",
}
"""Display names of the distribution's upper bounds."""

COLORS: Final[Steps] = warn_above(LATENCY_FAIR, LATENCY_POOR)
SHARE_COLORS: Final[Steps] = warn_above(POOR_USERS_NOTICE, POOR_USERS)

SHARE_ABOVE_FAIR_COLORS: Final[Steps] = ((None, "green"), (POOR_USERS, "yellow"))
"""Alerts only count connections above `LATENCY_POOR`, so this never turns red."""

POOR: Final = "poor"
NOT_GOOD: Final = "fair|poor"
QUALITIES: Final = (("poor", "red"), ("fair", "yellow"), ("good", "green"))
QUANTILES: Final = ((0.95, "dark-purple"), (0.9, "purple"), (0.75, "blue"), (0.5, "light-blue"))

TYPICAL: Final = "A user's latency is the median of the user's connections in the window."


def build_content() -> Content:
    """Return the dashboard."""
    return Content(
        dashboard=project.CONNECTION,
        description="Latency of users' connections to their workspaces, by the limits of Coder's own "
        "dashboard: green up to 150 ms, red above 300 ms.",
        since="now-7d",
        variables=[
            variables.build_datasource(),
            variables.build_job(),
            variables.build_instance(),
            variables.build_deployment(),
            variables.build_window(QUALITY),
        ],
        sections=[
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[
                    *_build_stats(),
                    *_build_over_time(),
                    *_build_distribution(),
                    *_build_tables(),
                    *_build_by_template(),
                ],
            ),
        ],
    )


def _build_stats() -> list[Tile]:
    panels = [
        build_stat(
            _describe_share(
                "Above 300 ms", f"Share of users with a latency above 300 ms (red in Coder). {TYPICAL}"
            ),
            compute_quality_share(POOR, "p50"),
        ),
        build_stat(
            _describe_share(
                "Above 150 ms",
                f"Share of users with a latency above 150 ms (yellow or red in Coder). {TYPICAL}",
                SHARE_ABOVE_FAIR_COLORS,
            ),
            compute_quality_share(NOT_GOOD, "p50"),
        ),
        build_stat(
            _describe_share(
                "Sometimes above 300 ms",
                "Share of users whose 95th percentile is above 300 ms: one measurement in twenty is slow.",
            ),
            compute_quality_share(POOR, "p95"),
        ),
        build_stat(
            _describe_latency("Median user", f"Half of the users have at most this latency. {TYPICAL}"),
            compute_latency_quantile(0.5),
        ),
        build_stat(
            _describe_latency(
                "90th percentile user", f"Nine of ten users have at most this latency. {TYPICAL}"
            ),
            compute_latency_quantile(0.9),
        ),
        build_stat(
            PanelOptions(
                title="Users measured",
                description="Users with a measured latency in the selected window.",
            ),
            count_measured_users("p50"),
        ),
    ]
    return [Tile(panel, 4, 4) for panel in panels]


def _describe_share(title: str, description: str, steps: Steps = SHARE_COLORS) -> PanelOptions:
    return _describe(title, description, SHARE, steps)


def _describe_latency(title: str, description: str) -> PanelOptions:
    return _describe(title, description, SECONDS, COLORS)


def _describe(title: str, description: str, unit: str, steps: Steps) -> PanelOptions:
    return PanelOptions(
        title=title,
        description=description,
        unit=unit,
        steps=steps,
        decimals=0,
        causes=(reasons.NO_USERS_SHORT,),
    )


def _build_over_time() -> list[Tile]:
    shares = build_graph(
        PanelOptions(
            title="Share of users above the limits",
            backfill=reasons.BACKFILL_USERS,
            description="Users with a latency above 150 and 300 ms, and users above 300 ms in one "
            "measurement of twenty (95th percentile), over time. The alert compares the share above 300 ms "
            "with the upper dashed line.",
            unit=SHARE,
            steps=SHARE_COLORS,
            causes=(reasons.NO_USERS_SHORT,),
        ),
        [
            Query(compute_quality_share(POOR, "p50"), "above 300 ms", "red"),
            Query(compute_quality_share(NOT_GOOD, "p50"), "above 150 ms", "yellow"),
            Query(compute_quality_share(POOR, "p95"), "sometimes above 300 ms", "orange"),
        ],
        GraphStyle(limits=True),
    )
    quantiles = build_graph(
        PanelOptions(
            title="Latency across users",
            backfill=reasons.BACKFILL_USERS,
            description="Latency that 50%, 75%, 90% and 95% of the users do not exceed. The dashed lines "
            "are Coder's limits of 150 and 300 ms.",
            unit=SECONDS,
            steps=COLORS,
            causes=(reasons.NO_USERS_SHORT,),
        ),
        [Query(compute_latency_quantile(q), f"{q * 100:.0f}% of users", color) for q, color in QUANTILES],
        GraphStyle(limits=True),
    )
    return [Tile(shares, 12, 10), Tile(quantiles, 12, 10)]


def _build_distribution() -> list[Tile]:
    now = build_bucket_bars(
        PanelOptions(
            title="Users by latency",
            description="Number of users by latency in the selected window.",
            minimum=0,
        ),
        BUCKETS,
        BOUNDS,
    )
    over_time = build_graph(
        PanelOptions(
            title="Users by connection quality, over time",
            backfill=reasons.BACKFILL_USERS,
            description="Users by Coder's own limits, over time: good up to 150 ms, fair up to 300 ms, poor "
            "above.",
        ),
        [
            Query(select_series(QUALITY, WINDOW, P50, f'quality="{quality}"'), quality, color)
            for quality, color in QUALITIES
        ],
        GraphStyle(stacked=True),
    )
    return [Tile(now, 8, 9), Tile(over_time, 16, 9)]


def _build_tables() -> list[Tile]:
    def latency(percentile: str) -> str:
        return select_series(
            "coder_insights_user_latency_seconds",
            WINDOW,
            f'percentile="{percentile}"',
            by=("user_id", "username"),
        )

    slowest = f"topk by (deployment) (25, {latency('p95')})"
    users = build_table(
        PanelOptions(
            title="Slowest connections",
            description="The 25 users with the highest 95th percentile, if users are exposed by name or "
            "pseudonym. Ask them where they work and which network they use.",
            causes=reasons.NAMED_USERS,
        ),
        TableRows(labels={"username": "User"}, sort="95th percentile"),
        [
            Column(
                title="Median",
                expr=f"{latency('p50')} and on (deployment, user_id) {slowest}",
                unit=SECONDS,
                steps=COLORS,
            ),
            Column(title="95th percentile", expr=slowest, unit=SECONDS, steps=COLORS),
        ],
    )
    return [Tile(users, 9, 11), Tile(_build_template_table(), 15, 11)]


def _build_template_table() -> Panel:
    return build_table(
        PanelOptions(
            title="Connection quality by template",
            description="Latency of each template's users. If one template stands out, its workspaces often "
            "run far away.",
            causes=reasons.TEMPLATE_USERS,
        ),
        TableRows(
            labels={"organization_name": "Organization", "template_name": "Template"}, sort="Above 300 ms"
        ),
        [
            Column(title="Users", expr=count_measured_users("p50", TEMPLATE_QUALITY, TEMPLATE)),
            Column(
                title="Above 150 ms",
                expr=compute_quality_share(NOT_GOOD, "p50", TEMPLATE_QUALITY, TEMPLATE),
                unit=SHARE,
                steps=SHARE_ABOVE_FAIR_COLORS,
                decimals=0,
            ),
            Column(
                title="Above 300 ms",
                expr=compute_quality_share(POOR, "p50", TEMPLATE_QUALITY, TEMPLATE),
                unit=SHARE,
                steps=SHARE_COLORS,
                decimals=0,
            ),
            Column(
                title="Median user",
                expr=compute_latency_quantile(0.5, "p50", TEMPLATE_LATENCY, TEMPLATE),
                unit=SECONDS,
                steps=COLORS,
                decimals=0,
            ),
        ],
    )


def _build_by_template() -> list[Tile]:
    median = compute_latency_quantile(0.5, "p50", TEMPLATE_LATENCY, TEMPLATE)
    over_time = build_graph(
        PanelOptions(
            title="Latency by template, over time",
            backfill=reasons.BACKFILL_USERS,
            description="Latency that half of a template's users do not exceed, for the eight slowest "
            "templates. The dashed lines are Coder's limits of 150 and 300 ms.",
            unit=SECONDS,
            steps=COLORS,
            causes=reasons.TEMPLATE_USERS,
        ),
        [
            Query(
                filter_largest(
                    add_template_titles(median),
                    compute_latency_quantile(0.5, "p50", TEMPLATE_LATENCY, TEMPLATE, AT_THE_END),
                    TEMPLATE,
                ),
                TEMPLATE_LEGEND,
            )
        ],
        GraphStyle(limits=True, legend_right=True),
    )
    return [Tile(over_time, 24, 9)]
