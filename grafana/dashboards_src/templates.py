"""Templates and parameters: users and active time of each template, its apps and parameter values."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, reasons, variables
from grafana.base import Content
from grafana.graphs import SAWTOOTH, GraphStyle, build_graph
from grafana.layout import Section, Tile
from grafana.panels import build_stat
from grafana.promql import (
    APP,
    AT_THE_END,
    PARAMETER,
    TEMPLATE,
    TEMPLATE_LEGEND,
    WINDOW,
    add_template_titles,
    count_series,
    filter_largest,
    pick_one,
    select_series,
)
from grafana.queries import Query
from grafana.style import NONE_LIKED, PLAIN, PanelOptions, link_to
from grafana.style import SECONDS as DURATION
from grafana.tables import Column, TableRows, build_table

USERS: Final = "coder_insights_template_active_users"
DAY: Final = "coder_insights_template_daily_active_users"
SECONDS: Final = "coder_insights_template_app_usage_seconds"
TIMES: Final = "coder_insights_template_app_times_used"
CHOICES: Final = "coder_insights_template_parameter_workspaces"
ALL_CHOICES: Final = "coder_insights_parameter_workspaces"
BUILDS: Final = "coder_insights_template_build_duration_seconds"
LISTED: Final = "coder_insights_template_info"

CHOSEN: Final = 'organization_name=~"$organization"', 'template_name=~"$template"'
PARAMETER_CHOSEN: Final = 'parameter_name=~"$parameter"'
YESTERDAY: Final = 'day="yesterday"'

TEMPLATE_USERS: Final = select_series(USERS, WINDOW, *CHOSEN, by=TEMPLATE)

APP_KINDS: Final = {"app": ("of the template", "text"), "builtin": ("session", "text")}

ORGANIZATION: Final = "Organization"
POLLED: Final = select_series("insights_exporter_poll_success", WINDOW, 'dataset="template-breakdown"')
"""Whether the breakdown was polled: then a Coder without templates has 0 of them."""
DROPPED: Final = select_series("insights_exporter_series_dropped", WINDOW, 'dataset="template-breakdown"')
"""How many series of the breakdown are missing because of `max_series`: then its templates are unknown."""
COMPLETE: Final = f"({POLLED} == 1 and {DROPPED} == 0)"

NAMES: Final = {"organization_name": ORGANIZATION, "template_name": "Template"}

TO_TEMPLATE: Final = link_to(
    "Show this template alone",
    project.TEMPLATES,
    f"var-deployment=${{deployment:percentencode}}&var-organization=${{__data.fields.{ORGANIZATION}:percentencode}}&var-template=${{__value.raw:percentencode}}&${{parameter:queryparam}}",
)


def build_content() -> Content:
    """Return the dashboard."""
    return Content(
        dashboard=project.TEMPLATES,
        description="How many users each template has, for how long they are active, with which apps and "
        "parameter values.",
        since="now-30d",
        variables=[
            variables.build_datasource(),
            variables.build_job(),
            variables.build_instance(),
            variables.build_deployment(),
            variables.build_window(USERS),
            variables.build_label("organization", "Organization", USERS, "organization_name"),
            variables.build_label("template", "Template", USERS, "template_name"),
            variables.build_label("parameter", "Parameter", ALL_CHOICES, "parameter_name"),
        ],
        sections=[
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[*_build_stats(), *_build_users(), *_build_apps(), *_build_parameters()],
            )
        ],
    )


def _build_stats() -> list[Tile]:
    deprecated = pick_one(select_series(LISTED, 'deprecated="true"', by=("template_id",)), ("template_id",))
    counted = (
        (
            "Templates in use",
            "Templates that were used in the selected window.",
            PLAIN,
            f"{TEMPLATE_USERS} > 0",
        ),
        (
            "Templates without users",
            "Templates that Coder lists but no user used in the selected window.",
            NONE_LIKED,
            f"{TEMPLATE_USERS} == 0",
        ),
        (
            "Deprecated and in use",
            "Templates that are marked as deprecated but were used in the selected window.",
            NONE_LIKED,
            f"({TEMPLATE_USERS} > 0) and on (deployment, template_id) {deprecated}",
        ),
    )
    templates = [
        build_stat(
            PanelOptions(title=title, description=description, steps=steps, causes=(reasons.OMITTED,)),
            f"{count_series(expr)} or 0 * {count_series(TEMPLATE_USERS)} or 0 * {COMPLETE}",
        )
        for title, description, steps, expr in counted
    ]
    parameters = build_stat(
        PanelOptions(
            title="Parameters",
            description="Parameters of the workspaces that were built in the selected window.",
            causes=(reasons.NO_PARAMETERS_SHORT, reasons.OMITTED),
        ),
        count_series(
            f"count by (deployment, parameter_name) ({select_series(ALL_CHOICES, WINDOW, by=PARAMETER)})"
        ),
    )
    return [Tile(panel, 6, 4) for panel in (*templates, parameters)]


def _build_users() -> list[Tile]:
    listed = select_series(LISTED, by=("template_id", "deprecated"))
    flag = pick_one(listed, ("template_id",))
    table = build_table(
        PanelOptions(
            title="Templates",
            description="Distinct users of each template in the selected window. Do not add them up: a user "
            "of two templates counts in both. A template without a status is deleted.",
            causes=(reasons.NO_TEMPLATES, *reasons.BREAKDOWN),
        ),
        TableRows(
            labels={**NAMES, "deprecated": "Status"},
            sort="Users",
            links={"Template": TO_TEMPLATE},
            texts={"Status": {"true": ("deprecated", "yellow"), "false": ("current", "text")}},
        ),
        [
            Column(
                title="Users",
                expr=f"{TEMPLATE_USERS} * on (deployment, template_id) group_left (deprecated) {flag}\n"
                f"or on (deployment, template_id)\n{TEMPLATE_USERS}",
            )
        ],
    )
    daily = build_graph(
        PanelOptions(
            title="Daily users",
            backfill=reasons.BACKFILL,
            whole_days=True,
            description="Distinct users of the eight most used of the selected templates on each whole day, "
            "drawn on that day.",
            causes=(reasons.NO_USERS, *reasons.BREAKDOWN),
        ),
        [
            Query(
                _filter_most_used(select_series(DAY, YESTERDAY, *CHOSEN, by=TEMPLATE, when="offset -1d")),
                TEMPLATE_LEGEND,
            )
        ],
        GraphStyle(steps=True, legend_right=True),
    )
    over_time = build_graph(
        PanelOptions(
            title="Users in the window, over time",
            backfill=reasons.BACKFILL,
            description="Distinct users of the eight most used of the selected templates in the selected "
            "window, over time.",
            causes=(reasons.NO_TEMPLATES, *reasons.BREAKDOWN),
        ),
        [Query(_filter_most_used(TEMPLATE_USERS), TEMPLATE_LEGEND)],
        GraphStyle(legend_right=True),
    )
    return [
        Tile(table, 10, 10),
        Tile(daily, 14, 10),
        Tile(_build_build_times(), 10, 10),
        Tile(over_time, 14, 10),
    ]


def _build_build_times() -> Panel:
    def duration(transition: str, percentile: str) -> str:
        matchers = (*CHOSEN, f'transition="{transition}"', f'percentile="{percentile}"')
        return select_series(BUILDS, *matchers, by=TEMPLATE)

    columns = {
        "Start p50": ("start", "p50"),
        "Start p95": ("start", "p95"),
        "Stop p50": ("stop", "p50"),
    }
    return build_table(
        PanelOptions(
            title="Build times",
            description="Run time of each template's builds, without queueing. Coder computes it every four "
            "hours, over the newest builds.",
            causes=(reasons.NO_TEMPLATES, reasons.NO_BUILDS, reasons.BUILDS_NOT_COMPUTED, reasons.MAX_SERIES),
        ),
        TableRows(labels=NAMES, sort="Start p95"),
        [
            Column(title=title, expr=duration(*which), unit=DURATION, decimals=1)
            for title, which in columns.items()
        ],
    )


def _filter_most_used(expr: str) -> str:
    return filter_largest(
        add_template_titles(expr),
        select_series(USERS, WINDOW, *CHOSEN, by=TEMPLATE, when=AT_THE_END),
        TEMPLATE,
    )


def _build_apps() -> list[Tile]:
    by = (*TEMPLATE, *APP)
    table = build_table(
        PanelOptions(
            title="Apps by template",
            description="Hours that users spent in each app with each template, and how often they opened "
            "the template's own apps, in the selected window.",
            causes=(reasons.NO_USERS, *reasons.BREAKDOWN),
        ),
        TableRows(
            labels={**NAMES, "slug": "App", "app_type": "Kind"},
            sort="Hours",
            texts={"Kind": APP_KINDS},
        ),
        [
            Column(
                title="Hours", expr=f"{select_series(SECONDS, WINDOW, *CHOSEN, by=by)} / 3600", decimals=1
            ),
            Column(title="Times used", expr=select_series(TIMES, WINDOW, *CHOSEN, by=by)),
        ],
    )
    over_time = build_graph(
        PanelOptions(
            title="Hours by app, over time",
            backfill=reasons.BACKFILL,
            description="Hours of the eight most used apps of the selected templates in the selected window, "
            f"over time. {SAWTOOTH}",
            decimals=0,
            causes=(reasons.NO_USERS, *reasons.BREAKDOWN),
        ),
        [
            Query(
                filter_largest(
                    add_template_titles(f"{select_series(SECONDS, WINDOW, *CHOSEN, by=by)} / 3600"),
                    select_series(SECONDS, WINDOW, *CHOSEN, by=by, when=AT_THE_END),
                    by,
                ),
                f"{TEMPLATE_LEGEND} {{{{slug}}}}",
            )
        ],
        GraphStyle(legend_right=True),
    )
    return [Tile(table, 12, 10), Tile(over_time, 12, 10)]


def _build_parameters() -> list[Tile]:
    labels = {"parameter_name": "Parameter", "parameter_value": "Choice", "parameter_type": "Type"}
    by_template = build_table(
        PanelOptions(
            title="Parameter choices by template",
            description="Workspaces built in the selected window, by the value of each parameter.",
            causes=(*reasons.PARAMETERS, reasons.BREAKDOWN_OFF, reasons.TEMPLATE_WINDOWS),
        ),
        TableRows(labels={**NAMES, **labels}, sort="Workspaces"),
        [
            Column(
                title="Workspaces",
                expr=select_series(CHOICES, WINDOW, *CHOSEN, PARAMETER_CHOSEN, by=(*TEMPLATE, *PARAMETER)),
            )
        ],
    )
    overall = build_table(
        PanelOptions(
            title="Parameter choices of all templates",
            description="Workspaces built in the selected window, by the value of each parameter, in the "
            "whole deployment. __other__ contains the rare values, __redacted__ those that look secret.",
            causes=reasons.PARAMETERS,
        ),
        TableRows(labels=labels, sort="Workspaces"),
        [Column(title="Workspaces", expr=select_series(ALL_CHOICES, WINDOW, PARAMETER_CHOSEN, by=PARAMETER))],
    )
    return [Tile(by_template, 14, 11), Tile(overall, 10, 11), Tile(_build_choices(), 24, 9)]


def _build_choices() -> Panel:
    choices = select_series(ALL_CHOICES, WINDOW, PARAMETER_CHOSEN, by=PARAMETER)
    ranking = select_series(ALL_CHOICES, WINDOW, PARAMETER_CHOSEN, by=PARAMETER, when=AT_THE_END)
    return build_graph(
        PanelOptions(
            title="Parameter choices over time",
            backfill=reasons.BACKFILL_PARAMETERS,
            description="Workspaces by value, over time: the eight most frequent values of the selected "
            f"parameters. {SAWTOOTH}",
            causes=reasons.PARAMETERS,
        ),
        [Query(filter_largest(choices, ranking, PARAMETER), "{{parameter_name}} = {{parameter_value}}")],
        GraphStyle(legend_right=True),
    )
