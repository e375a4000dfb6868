"""Adoption: the number of users, how often they use Coder, with which apps, and whether usage grows."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, reasons, thresholds, variables
from grafana.base import Content
from grafana.dashboards_src import adoption_use
from grafana.graphs import GraphStyle, build_graph
from grafana.layout import Section, Tile
from grafana.panels import build_stat
from grafana.promql import (
    WINDOW,
    average_daily_users,
    select_daily_users,
    select_series,
    select_users_a_week_ago,
)
from grafana.queries import Query
from grafana.style import SHARE, PanelOptions, link_to, warn_below
from grafana.tables import Column, TableRows, build_table

WEEK: Final = "coder_insights_weekly_active_users"
MONTH: Final = "coder_insights_monthly_active_users"

LAST_WEEK: Final = select_series(WEEK, 'week="last"')
LAST_MONTH: Final = select_series(MONTH, 'month="last"')
WINDOW_USERS: Final = select_series("coder_insights_active_users", WINDOW)

GROWTH: Final = warn_below(thresholds.GROWTH, thresholds.SHRINKING)


TO_DEPLOYMENT: Final = link_to(
    "Show this deployment alone", project.ADOPTION, "var-deployment=${__value.raw:percentencode}"
)


def build_content() -> Content:
    """Return the dashboard."""
    return Content(
        dashboard=project.ADOPTION,
        description="How many users are active, how often, with which templates and apps, and whether usage "
        "grows.",
        since="now-30d",
        variables=[
            variables.build_datasource(),
            variables.build_job(),
            variables.build_instance(),
            variables.build_deployment(),
            variables.build_window("coder_insights_active_users"),
        ],
        sections=[
            Section(title="All deployments", tiles=[Tile(_build_deployments(), 24, 5)]),
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[
                    *_build_stats(),
                    *_build_users(),
                    *adoption_use.build_templates(),
                    *adoption_use.build_apps(),
                ],
            ),
        ],
    )


def _build_deployments() -> Panel:
    options = PanelOptions(
        title="Deployments side by side",
        description="Distinct users of each deployment. Do not add them up: one user may use several "
        "deployments.",
    )
    rows = TableRows(
        labels={"deployment": "Deployment"}, sort="Yesterday", links={"Deployment": TO_DEPLOYMENT}
    )
    columns = [
        Column(title="Today so far", expr=select_daily_users("today")),
        Column(title="Yesterday", expr=select_daily_users()),
        Column(title="Last week", expr=LAST_WEEK),
        Column(title="Last month", expr=LAST_MONTH),
        Column(title="In the window", expr=WINDOW_USERS),
    ]
    return build_table(options, rows, columns)


def _build_stats() -> list[Tile]:
    numbers = [
        build_stat(
            PanelOptions(title="Today so far", description="Distinct users active today, up to now."),
            select_daily_users("today"),
        ),
        build_stat(
            PanelOptions(title="Yesterday", description="Distinct users active on the last whole day."),
            select_daily_users(),
        ),
        build_stat(
            PanelOptions(
                title="Last week", description="Distinct users in the last whole week, Monday to Sunday."
            ),
            LAST_WEEK,
        ),
        build_stat(
            PanelOptions(title="Last month", description="Distinct users in the last whole calendar month."),
            LAST_MONTH,
        ),
    ]
    changes = [
        build_stat(
            PanelOptions(
                title="Against last week",
                description="Today so far, compared with the same time of the same weekday a week ago.",
                unit=SHARE,
                steps=GROWTH,
                decimals=0,
                causes=(reasons.A_WEEK,),
            ),
            f"{select_daily_users('today')} / ({select_users_a_week_ago()} > 0) - 1",
        ),
        build_stat(
            PanelOptions(
                title="Stickiness",
                description="Mean daily users of the last seven days as a share of last month's users: the "
                "share of users that is active on an average day. About 20% is usual for a tool for some "
                "tasks, about 50% for one that users work in all day.",
                unit=SHARE,
                steps=warn_below(thresholds.STICKY, thresholds.HARDLY_STICKY),
                decimals=0,
                causes=(reasons.LAST_MONTH,),
            ),
            f"{average_daily_users()} / ({LAST_MONTH} > 0)",
        ),
        build_stat(_describe_growth("Weekly growth", "week"), _compute_growth(WEEK, "week")),
        build_stat(_describe_growth("Monthly growth", "month"), _compute_growth(MONTH, "month")),
    ]
    return [Tile(panel, 6, 3) for panel in (*numbers, *changes)]


def _describe_growth(title: str, period: str) -> PanelOptions:
    return PanelOptions(
        title=title,
        description=f"Users of the last whole {period} compared with the {period} before.",
        unit=SHARE,
        steps=GROWTH,
        decimals=0,
        causes=(f"no users in the {period} before",),
    )


def _compute_growth(family: str, period: str) -> str:
    """Return the relative change between the last two periods."""
    last, before = (select_series(family, f'{period}="{which}"') for which in ("last", "before_last"))
    return f"{last} / ({before} > 0) - 1"


def _build_users() -> list[Tile]:
    daily = build_graph(
        PanelOptions(
            title="Daily users",
            backfill=reasons.BACKFILL,
            whole_days=True,
            description="Distinct users on each whole day, drawn on that day, and on the same weekday a "
            "week before. The last day shown is yesterday.",
        ),
        [
            Query(select_daily_users(when="offset -1d"), "daily users", "blue"),
            Query(select_daily_users(when="offset 6d"), "a week before", "text"),
        ],
        GraphStyle(steps=True, filled=True, dashed=["B"]),
    )
    today = build_graph(
        PanelOptions(
            title="Today against the same weekday",
            description="Distinct users of the current day as the count grows: the last 24 hours, and the "
            "same hours a week ago.",
        ),
        [
            Query(select_daily_users("today"), "today", "blue"),
            Query(select_users_a_week_ago(), "a week ago", "text"),
        ],
        GraphStyle(filled=True, dashed=["B"], time_from="24h"),
    )
    window = build_graph(
        PanelOptions(
            title="Users in the window, over time",
            backfill=reasons.BACKFILL,
            description="Distinct users in the selected window, over time.",
        ),
        [Query(WINDOW_USERS, "users in $window", "blue")],
        GraphStyle(filled=True),
    )
    stickiness = build_graph(
        PanelOptions(
            title="Stickiness over time",
            backfill=reasons.BACKFILL,
            description="Mean daily users of seven days as a share of the last whole week's and month's "
            "users.",
            unit=SHARE,
            minimum=0,
            causes=(reasons.NO_RECENT_USERS,),
        ),
        [
            Query(f"{average_daily_users()} / ({LAST_WEEK} > 0)", "of the week's users", "blue"),
            Query(f"{average_daily_users()} / ({LAST_MONTH} > 0)", "of the month's users", "purple"),
        ],
    )
    status = build_graph(
        PanelOptions(
            title="Accounts by status",
            description="Accounts that are active, dormant (unused for a long time) or suspended. These are "
            "accounts, not activity.",
            causes=(reasons.OLD_SERVER,),
        ),
        [Query(select_series("coder_insights_users", by=("status",)), "{{status}}")],
    )
    return [Tile(daily, 16, 9), Tile(today, 8, 9), *(Tile(p, 8, 9) for p in (window, stickiness, status))]
