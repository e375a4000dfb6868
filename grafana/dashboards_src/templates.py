"""Templates and parameters: users and active time of each template, its apps and parameter values."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Panel

from grafana import project, reasons, variables
from grafana.base import Content
from grafana.graphs import SAWTOOTH, Style, graph
from grafana.layout import Section, Tile
from grafana.panels import number
from grafana.promql import APP, AT_THE_END, PARAMETER, TEMPLATE, WINDOW, biggest, count, one_of, series
from grafana.queries import Query
from grafana.style import NONE_LIKED, PLAIN, Look, drill
from grafana.style import SECONDS as DURATION
from grafana.tables import Column, Rows, list_of

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

TEMPLATE_USERS: Final = series(USERS, WINDOW, *CHOSEN, by=TEMPLATE)

APP_KINDS: Final = {"app": ("of the template", "text"), "builtin": ("session", "text")}

ORGANIZATION: Final = "Organization"
NAMES: Final = {"organization_name": ORGANIZATION, "template_name": "Template"}

TO_TEMPLATE: Final = drill(
    "Show this template alone",
    project.TEMPLATES,
    f"var-deployment=${{deployment:percentencode}}&var-organization=${{__data.fields.{ORGANIZATION}:percentencode}}&var-template=${{__value.raw:percentencode}}&${{parameter:queryparam}}",
)


def content() -> Content:
    """Return the dashboard."""
    return Content(
        board=project.TEMPLATES,
        description="How many users each template has, for how long they are active, with which apps and "
        "parameter values.",
        since="now-30d",
        variables=[
            variables.datasource(),
            variables.job(),
            variables.instance(),
            variables.deployment(),
            variables.window(USERS),
            variables.chosen("organization", "Organization", USERS, "organization_name"),
            variables.chosen("template", "Template", USERS, "template_name"),
            variables.chosen("parameter", "Parameter", ALL_CHOICES, "parameter_name"),
        ],
        sections=[
            Section(
                title="$deployment",
                repeat="deployment",
                tiles=[*_numbers(), *_users(), *_apps(), *_parameters()],
            )
        ],
    )


def _numbers() -> list[Tile]:
    deprecated = one_of(series(LISTED, 'deprecated="true"', by=("template_id",)), ("template_id",))
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
        number(
            Look(title=title, description=description, steps=steps, nothing=reasons.NO_TEMPLATES),
            f"{count(expr)} or 0 * {count(TEMPLATE_USERS)}",
        )
        for title, description, steps, expr in counted
    ]
    parameters = number(
        Look(
            title="Parameters",
            description="Parameters of the workspaces that were built in the selected window.",
            nothing=reasons.NO_CHOICES,
        ),
        count(f"count by (deployment, parameter_name) ({series(ALL_CHOICES, WINDOW, by=PARAMETER)})"),
    )
    return [Tile(panel, 6, 4) for panel in (*templates, parameters)]


def _users() -> list[Tile]:
    listed = series(LISTED, by=("template_id", "deprecated"))
    flag = one_of(listed, ("template_id",))
    table = list_of(
        Look(
            title="Templates",
            description="Distinct users of each template in the selected window. Do not add them up: a user "
            "of two templates counts in both. A template without a status is deleted.",
            nothing=reasons.NO_BREAKDOWN,
        ),
        Rows(
            labels={**NAMES, "deprecated": "Status"},
            sort="Users",
            links={"Template": TO_TEMPLATE},
            words={"Status": {"true": ("deprecated", "yellow"), "false": ("current", "text")}},
        ),
        [
            Column(
                title="Users",
                expr=f"{TEMPLATE_USERS} * on (deployment, template_id) group_left (deprecated) {flag}\n"
                f"or on (deployment, template_id)\n{TEMPLATE_USERS}",
            )
        ],
    )
    daily = graph(
        Look(
            title="Daily users",
            history=reasons.BACKFILL,
            description="Distinct users of the ten most used of the selected templates on each whole day, "
            "drawn on that day.",
            nothing=reasons.NO_BREAKDOWN,
        ),
        [
            Query(
                _most_used(series(DAY, YESTERDAY, *CHOSEN, by=TEMPLATE, when="offset -1d")),
                "{{organization_name}}/{{template_name}}",
            )
        ],
        Style(steps=True, aside=True),
    )
    course = graph(
        Look(
            title="Users in the window, over time",
            history=reasons.BACKFILL,
            description="Distinct users of the ten most used of the selected templates in the selected "
            "window, over time.",
            nothing=reasons.NO_BREAKDOWN,
        ),
        [Query(_most_used(TEMPLATE_USERS), "{{organization_name}}/{{template_name}}")],
        Style(aside=True),
    )
    return [Tile(table, 9, 10), Tile(daily, 15, 10), Tile(_builds(), 9, 10), Tile(course, 15, 10)]


def _builds() -> Panel:
    def duration(transition: str, percentile: str) -> str:
        matchers = (*CHOSEN, f'transition="{transition}"', f'percentile="{percentile}"')
        return series(BUILDS, *matchers, by=TEMPLATE)

    columns = {
        "Start p50": ("start", "p50"),
        "Start p95": ("start", "p95"),
        "Stop p50": ("stop", "p50"),
    }
    return list_of(
        Look(
            title="Build times",
            description="Run time of each template's builds, without queueing. Coder computes it every four "
            "hours, over the newest builds.",
            nothing=reasons.NO_BUILDS,
        ),
        Rows(labels=NAMES, sort="Start p95"),
        [
            Column(title=title, expr=duration(*which), unit=DURATION, decimals=1)
            for title, which in columns.items()
        ],
    )


def _most_used(expr: str) -> str:
    return biggest(10, expr, series(USERS, WINDOW, *CHOSEN, by=TEMPLATE, when=AT_THE_END), TEMPLATE)


def _apps() -> list[Tile]:
    by = (*TEMPLATE, *APP)
    table = list_of(
        Look(
            title="Apps by template",
            description="Hours that users spent in each app with each template, and how often they opened "
            "the template's own apps, in the selected window.",
            nothing=reasons.NO_BREAKDOWN,
        ),
        Rows(
            labels={**NAMES, "slug": "App", "app_type": "Kind"},
            sort="Hours",
            words={"Kind": APP_KINDS},
        ),
        [
            Column(title="Hours", expr=f"{series(SECONDS, WINDOW, *CHOSEN, by=by)} / 3600", decimals=1),
            Column(title="Times used", expr=series(TIMES, WINDOW, *CHOSEN, by=by)),
        ],
    )
    course = graph(
        Look(
            title="Hours by app, over time",
            history=reasons.BACKFILL,
            description="Hours of the ten most used apps of the selected templates in the selected window, "
            f"over time. {SAWTOOTH}",
            decimals=0,
            nothing=reasons.NO_BREAKDOWN,
        ),
        [
            Query(
                biggest(
                    10,
                    f"{series(SECONDS, WINDOW, *CHOSEN, by=by)} / 3600",
                    series(SECONDS, WINDOW, *CHOSEN, by=by, when=AT_THE_END),
                    by,
                ),
                "{{organization_name}}/{{template_name}} {{slug}}",
            )
        ],
        Style(aside=True),
    )
    return [Tile(table, 12, 10), Tile(course, 12, 10)]


def _parameters() -> list[Tile]:
    labels = {"parameter_name": "Parameter", "parameter_value": "Choice", "parameter_type": "Type"}
    by_template = list_of(
        Look(
            title="Parameter choices by template",
            description="Workspaces built in the selected window, by the value of each parameter.",
            nothing=reasons.NO_PARAMETERS,
        ),
        Rows(labels={**NAMES, **labels}, sort="Workspaces"),
        [
            Column(
                title="Workspaces",
                expr=series(CHOICES, WINDOW, *CHOSEN, PARAMETER_CHOSEN, by=(*TEMPLATE, *PARAMETER)),
            )
        ],
    )
    overall = list_of(
        Look(
            title="Parameter choices of all templates",
            description="Workspaces built in the selected window, by the value of each parameter, in the "
            "whole deployment. __other__ contains the rare values, __redacted__ those that look secret.",
            nothing=reasons.NO_PARAMETERS,
        ),
        Rows(labels=labels, sort="Workspaces"),
        [Column(title="Workspaces", expr=series(ALL_CHOICES, WINDOW, PARAMETER_CHOSEN, by=PARAMETER))],
    )
    return [Tile(by_template, 14, 11), Tile(overall, 10, 11), Tile(_choices(), 24, 9)]


def _choices() -> Panel:
    choices = series(ALL_CHOICES, WINDOW, PARAMETER_CHOSEN, by=PARAMETER)
    ranking = series(ALL_CHOICES, WINDOW, PARAMETER_CHOSEN, by=PARAMETER, when=AT_THE_END)
    return graph(
        Look(
            title="Parameter choices over time",
            history=reasons.BACKFILL_PARAMETERS,
            description="Workspaces by value, over time: the ten most frequent values of the selected "
            f"parameters. {SAWTOOTH}",
            nothing=reasons.NO_PARAMETERS,
        ),
        [Query(biggest(10, choices, ranking, PARAMETER), "{{parameter_name}} = {{parameter_value}}")],
        Style(aside=True),
    )
