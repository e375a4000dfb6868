"""Dataset `templates`: users, apps and parameters of a window, over all templates."""

from typing import Final

from insights_exporter.coder.decode import decode
from insights_exporter.coder.request import Response
from insights_exporter.datasets.apps import (
    APP_INFO,
    APP_LABELS,
    build_app_info,
    build_times_used_rows,
    build_usage_rows,
    pick_named_apps,
    read_apps,
)
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.parameters import (
    PARAMETER_LABELS,
    build_parameter_samples,
    list_parameters_with_choices,
)
from insights_exporter.datasets.report_schema import (
    PATH,
    WINDOW_FAMILIES,
    TemplatesResponse,
    build_window_samples,
)
from insights_exporter.datasets.timerange import build_window_request
from insights_exporter.exposition.family import MetricFamily, Samples

NAME: Final = "templates"

_LABELS = ("deployment", "window")

ACTIVE_USERS = MetricFamily(
    name="coder_insights_active_users",
    help="Number of distinct users active in the window (API: templates report.active_users); cached.",
    labels=_LABELS,
    merge="none; users of windows and of templates overlap and do not add up",
    absent="the response has no report",
    example='coder_insights_active_users{window="7d"}',
)
APP_USAGE = MetricFamily(
    name="coder_insights_app_usage_seconds",
    help="Time an app was used in the window, in seconds, over all users (API: templates "
    "report.apps_usage.seconds); cached.",
    labels=(*_LABELS, *APP_LABELS),
    merge="rows with the same type and slug are summed, whatever their names and icons; session apps "
    "reconnecting_pty and reconnecting-pty are one; apps beyond apps.limit are aggregated as __other__, "
    "slugs that look secret are __redacted__",
    absent="the app is not in the report, except vscode, jetbrains, reconnecting-pty and ssh, which are "
    "then 0; sftp is exposed only above 0",
    example='topk(5, coder_insights_app_usage_seconds{window="7d"} / 3600)',
)
APP_TIMES_USED = MetricFamily(
    name="coder_insights_app_times_used",
    help="Number of times an app was opened in the window (API: templates report.apps_usage.times_used); "
    "cached.",
    labels=(*_LABELS, *APP_LABELS),
    merge="as coder_insights_app_usage_seconds",
    absent="the app is a session app (the server does not measure it), or a row of the app lacks the field "
    "(older servers)",
    example='coder_insights_app_times_used{window="7d",app_type="app"}',
)
PARAMETER_WORKSPACES = MetricFamily(
    name="coder_insights_parameter_workspaces",
    help="Number of workspaces built in the window with the parameter value (API: templates "
    "report.parameters_usage.values.count); cached.",
    labels=(*_LABELS, *PARAMETER_LABELS),
    merge="rows with the same name, type and value are summed; values beyond the limit are aggregated as "
    "__other__, empty ones are __empty__, those that look secret are __redacted__",
    absent="the window is not among parameters.windows, or no build in the window chose the value",
    example="sum by (parameter_value) "
    '(coder_insights_parameter_workspaces{parameter_name="region",window="7d"})',
    drop_order=4,
)


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the samples of a report, none if there is no report."""
    decoded = decode(response.body, TemplatesResponse)
    report = decoded.value.report
    if report is None:
        return ConvertResult((), invalid=decoded.invalid)
    window = context.window_name
    parameters, values_aggregated = build_parameter_samples(
        PARAMETER_WORKSPACES, report.parameters_usage or (), context.deployment.parameters, (window,)
    )
    apps, apps_aggregated = read_apps(report.apps_usage, context.deployment.apps.limit)
    complete = decoded.is_complete("report.apps_usage")
    names_all_templates = decoded.is_complete("report.template_ids")
    return ConvertResult(
        samples=(
            Samples(ACTIVE_USERS, [((window,), report.active_users)]),
            Samples(APP_USAGE, build_usage_rows(apps, (window,), complete=complete)),
            Samples(APP_TIMES_USED, build_times_used_rows(apps, (window,))),
            *parameters,
            *build_window_samples(NAME, window, report),
        ),
        aggregated=values_aggregated + apps_aggregated,
        invalid=decoded.invalid,
        in_use=tuple(sorted(set(report.template_ids or ()))) if names_all_templates else None,
        named_apps=pick_named_apps(apps),
        choices=list_parameters_with_choices(report.parameters_usage or ()) if parameters else (),
    )


DATASET = Dataset(
    name=NAME,
    families=(ACTIVE_USERS, APP_USAGE, APP_TIMES_USED, APP_INFO, PARAMETER_WORKSPACES, *WINDOW_FAMILIES),
    windows=lambda deployment: deployment.windows,
    requests=lambda context: (build_window_request(PATH, context),),
    convert=convert,
    merge_windows=build_app_info,
    backfill="always",
    missing_route="not_found",
)
