"""Adoption: the number of users, how often they use Coder, with which apps, and whether usage grows."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, reasons, thresholds, variables
from grafana.base import Content
from grafana.dashboards_src import adoption_use
from grafana.graphs import Style, graph
from grafana.layout import Section, Tile
from grafana.panels import number
from grafana.promql import WINDOW, daily_users, mean_daily_users, series, users_a_week_ago
from grafana.queries import Query
from grafana.style import SHARE, Look, drill, worse_below
from grafana.tables import Column, Rows, list_of

WEEK: Final = "coder_insights_weekly_active_users"
MONTH: Final = "coder_insights_monthly_active_users"

LAST_WEEK: Final = series(WEEK, 'week="last"')
LAST_MONTH: Final = series(MONTH, 'month="last"')
WINDOW_USERS: Final = series("coder_insights_active_users", WINDOW)

GROWTH: Final = worse_below(thresholds.GROWTH, thresholds.SHRINKING)


TO_DEPLOYMENT: Final = drill(
    "Show this deployment alone", project.ADOPTION, "var-deployment=${__value.raw:percentencode}"
)


def content() -> Content:
    """Return the dashboard."""
    return Content(
        board=project.ADOPTION,
        description="How many users are active, how often, with which templates and apps, and whether usage "
        "grows.",
        since="now-30d",
        variables=[
            variables.datasource(),
            variables.job(),
            variables.instance(),
            variables.deployment(),
            variables.window("coder_insights_active_users"),
        ],
        sections=[
            Section(title="All deployments", tiles=[Tile(_deployments(), 24, 5)]),
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[*_numbers(), *_people(), *adoption_use.templates(), *adoption_use.apps()],
            ),
        ],
    )


def _deployments() -> Panel:
    look = Look(
        title="Deployments side by side",
        description="Distinct users of each deployment. Do not add them up: one user may use several "
        "deployments.",
    )
    rows = Rows(labels={"deployment": "Deployment"}, sort="Yesterday", links={"Deployment": TO_DEPLOYMENT})
    columns = [
        Column(title="Today so far", expr=daily_users("today")),
        Column(title="Yesterday", expr=daily_users()),
        Column(title="Last week", expr=LAST_WEEK),
        Column(title="Last month", expr=LAST_MONTH),
        Column(title="In the window", expr=WINDOW_USERS),
    ]
    return list_of(look, rows, columns)


def _numbers() -> list[Tile]:
    panels = [
        number(
            Look(title="Today so far", description="Distinct users active today, up to now."),
            daily_users("today"),
        ),
        number(
            Look(
                title="Against last week",
                description="Today so far, compared with the same time of the same weekday a week ago.",
                unit=SHARE,
                steps=GROWTH,
                decimals=0,
                nothing=reasons.A_WEEK,
            ),
            f"{daily_users('today')} / ({users_a_week_ago()} > 0) - 1",
        ),
        number(
            Look(title="Yesterday", description="Distinct users active on the last whole day."),
            daily_users(),
        ),
        number(
            Look(title="Last week", description="Distinct users in the last whole week, Monday to Sunday."),
            LAST_WEEK,
        ),
        number(_growth("Weekly growth", "week"), _change(WEEK, "week")),
        number(
            Look(title="Last month", description="Distinct users in the last whole calendar month."),
            LAST_MONTH,
        ),
        number(_growth("Monthly growth", "month"), _change(MONTH, "month")),
        number(
            Look(
                title="Stickiness",
                description="Mean daily users of the last seven days as a share of last month's users: the "
                "share of users that is active on an average day. About 20% is usual for a tool for some "
                "tasks, about 50% for one that users work in all day.",
                unit=SHARE,
                steps=worse_below(thresholds.STICKY, thresholds.HARDLY_STICKY),
                decimals=0,
                nothing=reasons.LAST_MONTH,
            ),
            f"{mean_daily_users()} / ({LAST_MONTH} > 0)",
        ),
    ]
    return [Tile(panel, 3, 4) for panel in panels]


def _growth(title: str, period: str) -> Look:
    return Look(
        title=title,
        description=f"Users of the last whole {period} compared with the {period} before.",
        unit=SHARE,
        steps=GROWTH,
        decimals=0,
        nothing=reasons.EARLIER_PERIOD,
    )


def _change(family: str, period: str) -> str:
    """Return the relative change between the last two periods."""
    last, before = (series(family, f'{period}="{which}"') for which in ("last", "before_last"))
    return f"{last} / ({before} > 0) - 1"


def _people() -> list[Tile]:
    daily = graph(
        Look(
            title="Daily users",
            history=reasons.BACKFILL,
            description="Distinct users on each whole day, drawn on that day, and on the same weekday a "
            "week before. The last day shown is yesterday.",
        ),
        [
            Query(daily_users(when="offset -1d"), "daily users", "blue"),
            Query(daily_users(when="offset 6d"), "a week before", "text"),
        ],
        Style(steps=True, filled=True, dashed=["B"]),
    )
    today = graph(
        Look(
            title="Today against the same weekday",
            description="Distinct users of the current day as the count grows: the last 24 hours, and the "
            "same hours a week ago.",
        ),
        [
            Query(daily_users("today"), "today", "blue"),
            Query(users_a_week_ago(), "a week ago", "text"),
        ],
        Style(filled=True, dashed=["B"], newest="24h"),
    )
    window = graph(
        Look(
            title="Users in the window, over time",
            history=reasons.BACKFILL,
            description="Distinct users in the selected window, over time.",
        ),
        [Query(WINDOW_USERS, "users in $window", "blue")],
        Style(filled=True),
    )
    stickiness = graph(
        Look(
            title="Stickiness over time",
            history=reasons.BACKFILL,
            description="Mean daily users of seven days as a share of the last whole week's and month's "
            "users.",
            unit=SHARE,
            minimum=0,
            nothing=reasons.LAST_MONTH,
        ),
        [
            Query(f"{mean_daily_users()} / ({LAST_WEEK} > 0)", "of the week's users", "blue"),
            Query(f"{mean_daily_users()} / ({LAST_MONTH} > 0)", "of the month's users", "purple"),
        ],
    )
    status = graph(
        Look(
            title="Accounts by status",
            description="Accounts that are active, dormant (unused for a long time) or suspended. These are "
            "accounts, not activity.",
            nothing=reasons.OLD_SERVER,
        ),
        [Query(series("coder_insights_users", by=("status",)), "{{status}}")],
    )
    return [Tile(daily, 16, 9), Tile(today, 8, 9), *(Tile(p, 8, 9) for p in (window, stickiness, status))]
