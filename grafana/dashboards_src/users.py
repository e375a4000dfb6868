"""Users and groups: how long users are active, and which users, if users are named."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, reasons, variables
from grafana.base import Content
from grafana.dashboards_src import users_groups
from grafana.graphs import SAWTOOTH, Style, graph
from grafana.layout import Section, Tile
from grafana.panels import bucket_bars, number
from grafana.promql import WINDOW, series
from grafana.queries import Query
from grafana.style import HOURS, SHARE, Look
from grafana.tables import Column, Rows, list_of

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

BUCKETS: Final = series(BUCKET, WINDOW, by=("le",))
USERS: Final = f"sum by (deployment) ({series(LEVEL, WINDOW, by=('level',))})"

ACTIVE: Final = (
    "Active time is time in which a user worked through Coder, counted in intervals of at most 30 minutes."
)


def content() -> Content:
    """Return the dashboard."""
    return Content(
        board=project.USERS,
        description="How long users are active, how activity is distributed over users and groups, and how "
        "many license seats are in use.",
        since="now-30d",
        variables=[
            variables.datasource(),
            variables.job(),
            variables.instance(),
            variables.deployment(),
            variables.window(LEVEL),
        ],
        sections=[
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[
                    *_numbers(),
                    *_spread(),
                    *_users(),
                    *users_groups.groups(),
                    *users_groups.license_seats(),
                ],
            ),
        ],
    )


def _quantile(quantile: float) -> str:
    """Return the hours that a share of the active users does not exceed."""
    return f"histogram_quantile({quantile}, {BUCKETS}) / 3600"


def _level(level: str) -> str:
    return series(LEVEL, WINDOW, f'level="{level}"')


def _numbers() -> list[Tile]:
    panels = [
        number(
            Look(
                title="Active users",
                description="Users with any activity in the selected window.",
                nothing=reasons.NO_ACTIVITY,
            ),
            USERS,
        ),
        number(
            _hours("Median user", f"Active time that half of the active users do not exceed. {ACTIVE}"),
            _quantile(0.5),
        ),
        number(
            _hours("90th percentile user", "Active time that 90% of the active users do not exceed."),
            _quantile(0.9),
        ),
        number(
            _share(
                "Up to 1 hour",
                "Share of the active users with at most one active hour in the selected window.",
            ),
            f"{_level('up_to_1h')} / ({USERS} > 0)",
        ),
        number(
            _share(
                "Over 16 hours",
                "Share of the active users with more than 16 active hours in the selected window.",
            ),
            f"{_level('over_16h')} / ({USERS} > 0)",
        ),
    ]
    widths = (4, 5, 5, 5, 5)
    return [Tile(panel, width, 4) for panel, width in zip(panels, widths, strict=True)]


def _hours(title: str, description: str) -> Look:
    return Look(title=title, description=description, unit=HOURS, decimals=1, nothing=reasons.NO_ACTIVITY)


def _share(title: str, description: str) -> Look:
    return Look(title=title, description=description, unit=SHARE, decimals=0, nothing=reasons.NO_ACTIVITY)


def _spread() -> list[Tile]:
    now = bucket_bars(
        Look(
            title="Users by activity",
            description=f"Number of users by active time in the selected window, over all users. {ACTIVE}",
            minimum=0,
            nothing=reasons.NO_ACTIVITY,
        ),
        BUCKETS,
        BOUNDS,
    )
    course = graph(
        Look(
            title="Users by activity, over time",
            description=f"The same users in four levels, over time. {SAWTOOTH}",
            nothing=reasons.NO_ACTIVITY,
            history=reasons.BACKFILL_USERS,
        ),
        [Query(_level(level), title, color) for level, title, color in reversed(LEVELS)],
        Style(stacked=True, aside=True),
    )
    return [Tile(now, 9, 10), Tile(course, 15, 10)]


def _users() -> list[Tile]:
    course = graph(
        Look(
            title="Activity of a user, over time",
            description="Active time that 50% and 90% of the active users do not exceed in the selected "
            f"window, over time. {SAWTOOTH}",
            unit=HOURS,
            nothing=reasons.NO_ACTIVITY,
            history=reasons.BACKFILL_USERS,
        ),
        [
            Query(_quantile(0.9), "90th percentile", "purple"),
            Query(_quantile(0.5), "median", "blue"),
        ],
    )
    return [Tile(_most_active(), 9, 10), Tile(course, 15, 10)]


def _most_active() -> Panel:
    hours = f"{series(SINGLE, WINDOW, by=('user_id', 'username'))} / 3600"
    return list_of(
        Look(
            title="Most active users",
            description="The 25 users with the most active time in the selected window, if users are "
            "exposed by name or pseudonym.",
            nothing=reasons.NO_NAMES,
        ),
        Rows(labels={"username": "User"}, sort="Activity"),
        [
            Column(
                title="Activity",
                expr=f"topk by (deployment) (25, {hours})",
                unit=HOURS,
                decimals=1,
            )
        ],
    )
