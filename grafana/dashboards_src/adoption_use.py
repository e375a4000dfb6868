"""The lower half of Adoption: which templates and apps are used."""

from typing import Final

from grafana import project, reasons
from grafana.graphs import SAWTOOTH, GraphStyle, build_graph
from grafana.layout import Tile
from grafana.panels import build_bars
from grafana.promql import (
    APP,
    AT_THE_END,
    TEMPLATE,
    TEMPLATE_LEGEND,
    WINDOW,
    add_template_titles,
    filter_largest,
    join_app_names,
    select_series,
)
from grafana.queries import Query
from grafana.style import PanelOptions, link_to

TEMPLATE_USERS: Final = "coder_insights_template_active_users"
TEMPLATE_DAY: Final = "coder_insights_template_daily_active_users"
APP_SECONDS: Final = "coder_insights_app_usage_seconds"
APP_TIMES: Final = "coder_insights_app_times_used"

APP_LEGEND: Final = "{{application_name}}{{kind}}"

YESTERDAY: Final = 'day="yesterday"'

TO_TEMPLATE: Final = link_to(
    "Show this template",
    project.TEMPLATES,
    "var-deployment=${deployment:percentencode}&var-organization=${__field.labels.organization_name:percentencode}&var-template=${__field.labels.template_name:percentencode}",
)


def build_templates() -> list[Tile]:
    """Return the panels by template."""
    users = add_template_titles(select_series(TEMPLATE_USERS, WINDOW, by=TEMPLATE))
    most = build_bars(
        PanelOptions(
            title="Users by template",
            description="Distinct users of the ten most used templates in the selected window. Do not add "
            "them up: a user of two templates counts in both. Click a bar to open the template.",
            link=TO_TEMPLATE,
            causes=(reasons.NO_TEMPLATES, *reasons.BREAKDOWN),
            minimum=0,
        ),
        f"sort_desc(topk by (deployment) (10, {users}))",
        TEMPLATE_LEGEND,
    )
    daily = build_graph(
        PanelOptions(
            title="Daily users by template",
            backfill=reasons.BACKFILL,
            whole_days=True,
            description="Distinct users of the eight most used templates on each whole day, drawn on that "
            "day.",
            causes=(reasons.NO_USERS, *reasons.BREAKDOWN),
        ),
        [
            Query(
                filter_largest(
                    add_template_titles(
                        select_series(TEMPLATE_DAY, YESTERDAY, by=TEMPLATE, when="offset -1d")
                    ),
                    select_series(TEMPLATE_USERS, WINDOW, by=TEMPLATE, when=AT_THE_END),
                    TEMPLATE,
                ),
                TEMPLATE_LEGEND,
            )
        ],
        GraphStyle(steps=True, legend_right=True),
    )
    return [Tile(most, 8, 10), Tile(daily, 16, 10)]


def build_apps() -> list[Tile]:
    """Return the panels by app."""
    hours = join_app_names(f"{select_series(APP_SECONDS, WINDOW, by=APP)} / 3600", APP)
    most = build_bars(
        PanelOptions(
            title="Hours by app",
            description="Hours that users spent in each of the ten most used editors, terminals and other "
            "apps in the selected window, over all users. Two apps that are open at the same time both "
            "count; (app) marks apps that a template defines. `overflow` and `unknown` are not apps: Coder "
            "counts there what it does not list by name.",
            minimum=0,
            decimals=0,
        ),
        f"sort_desc(topk by (deployment) (10, {hours}))",
        APP_LEGEND,
    )
    over_time = build_graph(
        PanelOptions(
            title="Hours by app, over time",
            backfill=reasons.BACKFILL,
            description="Hours of the eight most used apps in the selected window, over time. When Coder "
            "starts to list editors one by one, Visual Studio Code falls, and Cursor and others appear. "
            f"{SAWTOOTH}",
            decimals=0,
        ),
        [
            Query(
                filter_largest(
                    f"({hours})", select_series(APP_SECONDS, WINDOW, by=APP, when=AT_THE_END), APP
                ),
                APP_LEGEND,
            )
        ],
        GraphStyle(legend_right=True),
    )
    times_used = join_app_names(select_series(APP_TIMES, WINDOW, by=APP), APP)
    times = build_bars(
        PanelOptions(
            title="Times used",
            description="Number of times that users opened each of the ten most opened apps that templates "
            "define, in the selected window. Coder does not count this for session apps (editors, SSH, "
            "terminals).",
            minimum=0,
            causes=(reasons.NO_APPS, reasons.OLD_SERVER),
        ),
        f"sort_desc(topk by (deployment) (10, {times_used}))",
        "{{application_name}}",
    )
    return [Tile(most, 7, 10), Tile(over_time, 10, 10), Tile(times, 7, 10)]
