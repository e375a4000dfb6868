"""Dataset `template-breakdown`: the report of `templates`, requested for one template at a time."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from insights_exporter.coder.clock import get_unix_time
from insights_exporter.coder.decode import decode
from insights_exporter.coder.request import InvalidResponse, Request, Response
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets import user_activity, user_latency
from insights_exporter.datasets.aggregate import ACTIVITY, LATENCY, sum_by_key
from insights_exporter.datasets.apps import APP_LABELS, build_times_used_rows, build_usage_rows, read_apps
from insights_exporter.datasets.apps import LIMIT_IN_TEMPLATE as APPS_IN_TEMPLATE
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext, Template
from insights_exporter.datasets.daus import TODAY, YESTERDAY
from insights_exporter.datasets.parameters import LIMIT_IN_TEMPLATE, PARAMETER_LABELS, build_parameter_samples
from insights_exporter.datasets.report_schema import PATH, TemplatesResponse
from insights_exporter.datasets.timerange import compute_time_range, find_midnight
from insights_exporter.exposition.family import MetricFamily, SampleRow, Samples

NAME: Final = "template-breakdown"
TEMPLATE_LABELS = ("organization_name", "template_name", "template_id")

_LABELS = ("deployment", "window", *TEMPLATE_LABELS)
_ABSENT = (
    "templates.breakdown is off, the window is not among templates.windows, or the template is beyond "
    "templates.limit"
)

_users_family = partial(MetricFamily, stable=False, drop_order=5)

TEMPLATE_ACTIVE_USERS = MetricFamily(
    name="coder_insights_template_active_users",
    help="Number of distinct users of a template active in the window (API: templates report.active_users, "
    "requested for one template); cached.",
    labels=_LABELS,
    merge="none; users of several templates overlap and do not add up",
    absent=f"{_ABSENT}; a listed template without use is 0",
    example='topk(10, coder_insights_template_active_users{window="7d"})',
    drop_order=8,
)
TEMPLATE_DAILY_ACTIVE_USERS = MetricFamily(
    name="coder_insights_template_daily_active_users",
    help="Number of distinct users of a template active on the day: today so far, or yesterday (API: "
    "templates interval_reports.active_users, requested for one template); cached.",
    labels=("deployment", "day", *TEMPLATE_LABELS),
    merge="rows of the same day are summed",
    absent=f"{_ABSENT}; the template was not used in the window; for up to six days after a clock change, "
    "while the server's 24-hour steps do not fit the days; from the deployment's "
    "midnight until the next poll",
    example='coder_insights_template_daily_active_users{day="yesterday"}',
    expires_at_midnight=True,
    drop_order=8,
)
TEMPLATE_APP_USAGE = MetricFamily(
    name="coder_insights_template_app_usage_seconds",
    help="Time an app was used with a template in the window, in seconds, over all users (API: templates "
    "report.apps_usage.seconds, requested for one template); cached.",
    labels=(*_LABELS, *APP_LABELS),
    merge="as coder_insights_app_usage_seconds; templates used in one half hour may add up to more than "
    "the deployment",
    absent=f"{_ABSENT}; the template was not used in the window",
    example='sum without (slug, app_type) (coder_insights_template_app_usage_seconds{window="7d"}) / 3600',
    drop_order=6,
)
TEMPLATE_APP_TIMES_USED = MetricFamily(
    name="coder_insights_template_app_times_used",
    help="Number of times an app was opened with a template in the window (API: templates "
    "report.apps_usage.times_used, requested for one template); cached.",
    labels=(*_LABELS, *APP_LABELS),
    merge="rows with the same slug are summed",
    absent="as coder_insights_app_times_used; the template was not used in the window",
    example='coder_insights_template_app_times_used{window="7d"}',
    drop_order=6,
)
TEMPLATE_PARAMETER_WORKSPACES = MetricFamily(
    name="coder_insights_template_parameter_workspaces",
    help="Number of workspaces of a template built in the window with the parameter value (API: templates "
    "report.parameters_usage.values.count, requested for one template); cached.",
    labels=(*_LABELS, *PARAMETER_LABELS),
    merge="as coder_insights_parameter_workspaces, with at most 10 values per parameter",
    absent="as coder_insights_parameter_workspaces; the template was not used in the window",
    example='coder_insights_template_parameter_workspaces{template_name="docker",window="7d"}',
    drop_order=1,
)
TEMPLATE_ACTIVITY_DISTRIBUTION = _users_family(
    name="coder_insights_template_user_activity_distribution_seconds",
    type="gaugehistogram",
    help="Distribution of the active time of a template's users in the window, in seconds (API: "
    "user-activity report.users.seconds, requested for one template); cached.",
    labels=_LABELS,
    bounds=ACTIVITY.bounds,
    merge="every user id counts once, with the sum of its rows",
    absent="templates.users is off (the default), or the dataset user-activity is",
    example="histogram_quantile(0.5, "
    'coder_insights_template_user_activity_distribution_seconds_bucket{window="7d"})',
)
TEMPLATE_LATENCY_DISTRIBUTION = _users_family(
    name="coder_insights_template_user_latency_distribution_seconds",
    type="gaugehistogram",
    help="Distribution of the connection latency of a template's users in the window, in seconds (API: "
    "user-latency report.users.latency_ms, requested for one template); cached.",
    labels=(*_LABELS, "percentile"),
    bounds=LATENCY.bounds,
    merge="every user id counts once per percentile",
    absent="templates.users is off (the default), or the dataset user-latency is",
    example="histogram_quantile(0.9, "
    'coder_insights_template_user_latency_distribution_seconds_bucket{window="7d",percentile="p95"})',
)
TEMPLATE_ACTIVITY_LEVEL = _users_family(
    name="coder_insights_template_activity_level_users",
    help="Number of users of a template by level of active time in the window (API: user-activity "
    "report.users.seconds, requested for one template); select one window; cached.",
    labels=(*_LABELS, "level"),
    merge="every user id counts once, with the sum of its rows",
    absent="as coder_insights_template_user_activity_distribution_seconds; a level that no user has is 0",
    example='coder_insights_template_activity_level_users{window="7d",level="over_16h"}',
)
TEMPLATE_CONNECTION_QUALITY = _users_family(
    name="coder_insights_template_connection_quality_users",
    help="Number of users of a template by connection quality in the window: good up to 0.15 s, fair up to "
    "0.3 s, poor above (API: user-latency report.users.latency_ms, requested for one template); select one "
    "window and one percentile; cached.",
    labels=(*_LABELS, "percentile", "quality"),
    merge="every user id counts once per percentile",
    absent="as coder_insights_template_user_latency_distribution_seconds; a quality that no user has is 0",
    example='coder_insights_template_connection_quality_users{window="7d",percentile="p95",quality="poor"}',
)

_Ids = Iterable[str] | None


def _build_labels(context: PollContext, template_id: str) -> tuple[str, str, str, str]:
    """Return window, organization, name and id; a template that is no longer listed has its id as name."""
    template = context.templates.get(template_id) or Template(template_id, template_id, "")
    return context.window_name, template.organization, template.name, template_id


def convert_report(context: PollContext, response: Response) -> ConvertResult:
    """Return users, apps and parameters of a template."""
    decoded = decode(response.body, TemplatesResponse)
    _check_subject(response, _list_named_templates(decoded.value))
    labels = _build_labels(context, response.request.subject)
    daily = Samples(
        TEMPLATE_DAILY_ACTIVE_USERS, _build_daily_rows(context, response, decoded.value, labels[1:])
    )
    report = decoded.value.report
    if report is None:
        return ConvertResult((daily,), invalid=decoded.invalid)
    parameters, values_aggregated = build_parameter_samples(
        TEMPLATE_PARAMETER_WORKSPACES,
        report.parameters_usage or (),
        context.deployment.parameters,
        labels,
        most=LIMIT_IN_TEMPLATE,
    )
    apps, apps_aggregated = read_apps(report.apps_usage, min(context.deployment.apps.limit, APPS_IN_TEMPLATE))
    complete = decoded.is_complete("report.apps_usage")
    samples = (
        Samples(TEMPLATE_ACTIVE_USERS, [(labels, report.active_users)]),
        Samples(TEMPLATE_APP_USAGE, build_usage_rows(apps, labels, complete=complete)),
        Samples(TEMPLATE_APP_TIMES_USED, build_times_used_rows(apps, labels)),
        daily,
        *parameters,
    )
    return ConvertResult(samples, aggregated=values_aggregated + apps_aggregated, invalid=decoded.invalid)


def convert_activity(context: PollContext, response: Response) -> ConvertResult:
    """Return how active the users of a template were."""
    decoded = decode(response.body, user_activity.ActivityResponse)
    report = decoded.value.report
    _check_subject(response, [report.template_ids])
    labels = _build_labels(context, response.request.subject)
    histogram = ACTIVITY.build_histogram(user_activity.index_seconds(report.users).values())
    samples = (
        Samples(TEMPLATE_ACTIVITY_DISTRIBUTION, [(labels, histogram)]),
        Samples(TEMPLATE_ACTIVITY_LEVEL, ACTIVITY.build_band_rows(labels, histogram)),
    )
    return ConvertResult(samples, invalid=decoded.invalid)


def convert_latency(context: PollContext, response: Response) -> ConvertResult:
    """Return how slow the connections of users of a template were."""
    decoded = decode(response.body, user_latency.LatencyResponse)
    report = decoded.value.report
    _check_subject(response, [report.template_ids])
    labels = _build_labels(context, response.request.subject)
    histograms = user_latency.build_latency_histograms(labels, user_latency.index_latencies(report.users))
    samples = (
        Samples(TEMPLATE_LATENCY_DISTRIBUTION, histograms),
        Samples(TEMPLATE_CONNECTION_QUALITY, user_latency.build_quality_rows(histograms)),
    )
    return ConvertResult(samples, invalid=decoded.invalid)


def select_daily_window(deployment: Deployment) -> Window | None:
    """Return the one window whose responses have the days, since those have no `window` label.

    The shortest that covers yesterday too, else one that covers today.
    """
    fitting = [
        window
        for window in deployment.windows
        if window.include_today and window.name in deployment.templates.windows
    ]
    return min(fitting, key=lambda window: (window.days == 1, window.days), default=None)


def _list_named_templates(response: TemplatesResponse) -> list[_Ids]:
    report = response.report
    rows = [*report.apps_usage, *(report.parameters_usage or ())] if report else []
    named = [report.template_ids] if report else []
    return [*named, *(row.template_ids for row in (*rows, *(response.interval_reports or ())))]


def _check_subject(response: Response, named: Iterable[_Ids]) -> None:
    requested = response.request.subject.lower()
    others = {template for ids in named for template in ids or () if template.lower() != requested}
    if others:
        text = (
            f"requested one template, {response.request.path} responded about {len(others)} others too; "
            "the server, or a gateway before it, ignores template_ids: set templates.breakdown to false"
        )
        raise InvalidResponse(text)


def _build_daily_rows(
    context: PollContext, response: Response, body: TemplatesResponse, labels: tuple[str, ...]
) -> list[SampleRow]:
    users = sum_by_key(
        (
            (get_unix_time(interval.start_time), get_unix_time(interval.end_time)),
            interval.active_users,
        )
        for interval in body.interval_reports or ()
    )
    return [
        ((day, *labels), users[span]) for day, span in _find_days(context, response).items() if span in users
    ]


def _find_days(context: PollContext, response: Response) -> Mapping[str, tuple[float, float]]:
    """Return what the row of each day must cover: a whole day, or today up to where the request ends.

    Servers count in steps of 24 hours, which are not days while a clock change lies in the window.
    """
    zone, span = context.zone, response.request.span
    today = context.now.astimezone(zone).date()
    start = find_midnight(today, zone).timestamp()
    before = find_midnight(today - timedelta(days=1), zone).timestamp()
    end = (
        span.end.timestamp() if span and context.window == select_daily_window(context.deployment) else start
    )
    # A request made before the last midnight has the end of that day only in part.
    return {TODAY: (start, end), YESTERDAY: (before, start)} if end > start else {}


def select_windows(deployment: Deployment) -> Sequence[Window | None]:
    """Return the windows in which templates are broken down."""
    if not deployment.templates.breakdown:
        return ()
    return tuple(window for window in deployment.windows if window.name in deployment.templates.windows)


def build_requests(context: PollContext) -> Sequence[Request]:
    """Return the requests for each template in use, up to the limit: of too many the first by id.

    The `subject` is the template's id. With `templates.users` there are up to three requests per template,
    one for each dataset of users that is enabled.
    """
    deployment, span = context.deployment, compute_time_range(context)
    of_users = (user_activity, user_latency) if deployment.templates.users else ()
    paths = [(each.PATH, dict[str, str]()) for each in of_users if each.DATASET.is_enabled(deployment)]
    return tuple(
        Request(path, span, template, extra=extra | {"template_ids": template}, needs_extra=True)
        for template in _in_use(context)[: deployment.templates.limit]
        for path, extra in ((PATH, {"interval": "day"}), *paths)
    )


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the series of the one template that a response is about, invalid if it is about others too."""
    return _READERS[response.request.path](context, response)


def convert_unrequested(context: PollContext, requests: Sequence[Request]) -> ConvertResult:
    """Return 0 users for each listed template without use, and count the templates beyond the limit."""
    used = set(context.in_use)
    rows: list[SampleRow] = [
        (_build_labels(context, template), 0.0)
        for template in sorted(context.templates)
        if template not in used
    ]
    beyond = len(_in_use(context)) - len({request.subject for request in requests})
    return ConvertResult((Samples(TEMPLATE_ACTIVE_USERS, rows),), aggregated=beyond)


def _in_use(context: PollContext) -> Sequence[str]:
    """Return the ids of the templates in use; one with a comma or a space would be several to the server."""
    return sorted({template for template in context.in_use if re.fullmatch(r"[^,\s]+", template)})


_READERS: Mapping[str, Callable[[PollContext, Response], ConvertResult]] = {
    PATH: convert_report,
    user_activity.PATH: convert_activity,
    user_latency.PATH: convert_latency,
}

DATASET = Dataset(
    name=NAME,
    families=(
        TEMPLATE_ACTIVE_USERS,
        TEMPLATE_DAILY_ACTIVE_USERS,
        TEMPLATE_APP_USAGE,
        TEMPLATE_APP_TIMES_USED,
        TEMPLATE_PARAMETER_WORKSPACES,
        TEMPLATE_ACTIVITY_DISTRIBUTION,
        TEMPLATE_LATENCY_DISTRIBUTION,
        TEMPLATE_ACTIVITY_LEVEL,
        TEMPLATE_CONNECTION_QUALITY,
    ),
    windows=select_windows,
    requests=build_requests,
    convert=convert,
    unrequested=convert_unrequested,
    depends_on="templates",
    backfill="always",
    missing_route="not_found",
)
