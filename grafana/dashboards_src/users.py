"""Users and groups: how long users are active, and which users, if users are named."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, reasons, variables
from grafana.base import Content
from grafana.dashboards_src import users_groups
from grafana.graphs import SAWTOOTH, GraphStyle, build_graph
from grafana.layout import Section, Tile
from grafana.panels import build_bucket_bars, build_stat
from grafana.promql import WINDOW, select_series
from grafana.queries import Query
from grafana.style import HOURS, SHARE, PanelOptions
from grafana.tables import Column, TableRows, build_table

BUCKET: Final = "coder_insights_user_activity_distribution_seconds_bucket"
LEVEL: Final = "coder_insights_activity_level_users"
SINGLE: Final = "coder_insights_user_activity_seconds"

LEVELS: Final = (
    ("up_to_1h", "up to 1 hour", "super-light-blue"),
    ("1h_to_4h", "1 to 4 hours", "light-blue"),
    ("4h_to_16h", "4 to 16 hours", "blue"),
    ("over_16h", "over 16 hours", "dark-blue"),
)

BOUNDS: Final = {
    "900.0": "up to 15 min",
    "1800.0": "30 min",
    "3600.0": "1 hour",
    "7200.0": "2 hours",
    "14400.0": "4 hours",
    "28800.0": "8 hours",
    "57600.0": "16 hours",
    "86400.0": "24 hours",
    "144000.0": "40 hours",
    "288000.0": "80 hours",
    "576000.0": "160 hours",
    "+Inf": "more",
}
"""Display names of the distribution's upper bounds."""

BUCKETS: Final = select_series(BUCKET, WINDOW, by=("le",))
USERS: Final = f"sum by (deployment) ({select_series(LEVEL, WINDOW, by=('level',))})"

ACTIVE: Final = (
    "Active time is time in which a user worked through Coder, counted in intervals of at most 30 minutes."
)


def build_content() -> Content:
    """Return the dashboard."""
    return Content(
        dashboard=project.USERS,
        description="How long users are active, how activity is distributed over users and groups, and how "
        "many license seats are in use.",
        since="now-30d",
        variables=[
            variables.build_datasource(),
            variables.build_job(),
            variables.build_instance(),
            variables.build_deployment(),
            variables.build_window(LEVEL),
        ],
        sections=[
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[
                    *_build_stats(),
                    *_build_distribution(),
                    *_build_users(),
                    *users_groups.build_groups(),
                    *users_groups.build_license(),
                ],
            ),
        ],
    )


def _compute_quantile(quantile: float) -> str:
    """Return the hours that a share of the active users does not exceed; no series without active users."""
    return f"histogram_quantile({quantile}, {BUCKETS}) / 3600 >= 0"


def _select_level(level: str) -> str:
    return select_series(LEVEL, WINDOW, f'level="{level}"')


def _build_stats() -> list[Tile]:
    panels = [
        build_stat(
            PanelOptions(
                title="Active users",
                description="Users with any activity in the selected window.",
            ),
            USERS,
        ),
        build_stat(
            _describe_hours(
                "Median user", f"Active time that half of the active users do not exceed. {ACTIVE}"
            ),
            _compute_quantile(0.5),
        ),
        build_stat(
            _describe_hours(
                "90th percentile user", "Active time that 90% of the active users do not exceed."
            ),
            _compute_quantile(0.9),
        ),
        build_stat(
            _describe_share(
                "Up to 1 hour",
                "Share of the active users with at most one active hour in the selected window.",
            ),
            f"{_select_level('up_to_1h')} / ({USERS} > 0)",
        ),
        build_stat(
            _describe_share(
                "Over 16 hours",
                "Share of the active users with more than 16 active hours in the selected window.",
            ),
            f"{_select_level('over_16h')} / ({USERS} > 0)",
        ),
    ]
    widths = (4, 5, 5, 5, 5)
    return [Tile(panel, width, 4) for panel, width in zip(panels, widths, strict=True)]


def _describe_hours(title: str, description: str) -> PanelOptions:
    return PanelOptions(
        title=title, description=description, unit=HOURS, decimals=1, causes=(reasons.NO_USERS_SHORT,)
    )


def _describe_share(title: str, description: str) -> PanelOptions:
    return PanelOptions(
        title=title, description=description, unit=SHARE, decimals=0, causes=(reasons.NO_USERS_SHORT,)
    )


def _build_distribution() -> list[Tile]:
    now = build_bucket_bars(
        PanelOptions(
            title="Users by activity",
            description=f"Number of users by active time in the selected window, over all users. {ACTIVE}",
            minimum=0,
        ),
        BUCKETS,
        BOUNDS,
    )
    over_time = build_graph(
        PanelOptions(
            title="Users by activity, over time",
            description=f"The same users in four levels, over time. {SAWTOOTH}",
            backfill=reasons.BACKFILL_USERS,
        ),
        [Query(_select_level(level), title, color) for level, title, color in reversed(LEVELS)],
        GraphStyle(stacked=True, legend_right=True),
    )
    return [Tile(now, 9, 10), Tile(over_time, 15, 10)]


def _build_users() -> list[Tile]:
    over_time = build_graph(
        PanelOptions(
            title="Activity of a user, over time",
            description="Active time that 50% and 90% of the active users do not exceed in the selected "
            f"window, over time. {SAWTOOTH}",
            unit=HOURS,
            causes=(reasons.NO_USERS_SHORT,),
            backfill=reasons.BACKFILL_USERS,
        ),
        [
            Query(_compute_quantile(0.9), "90th percentile", "purple"),
            Query(_compute_quantile(0.5), "median", "blue"),
        ],
    )
    return [Tile(_build_most_active(), 9, 10), Tile(over_time, 15, 10)]


def _build_most_active() -> Panel:
    hours = f"{select_series(SINGLE, WINDOW, by=('user_id', 'username'))} / 3600"
    return build_table(
        PanelOptions(
            title="Most active users",
            description="The 25 users with the most active time in the selected window, if users are "
            "exposed by name or pseudonym.",
            causes=reasons.NAMED_USERS,
        ),
        TableRows(labels={"username": "User"}, sort="Activity"),
        [
            Column(
                title="Activity",
                expr=f"topk by (deployment) (25, {hours})",
                unit=HOURS,
                decimals=1,
            )
        ],
    )
