"""Dataset `template-breakdown`: the report of `templates`, requested for one template at a time."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from insights_exporter.coder.clock import unix_seconds
from insights_exporter.coder.decode import decode
from insights_exporter.coder.request import InvalidResponse, Request, Response
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets import template_metrics as families
from insights_exporter.datasets import user_activity, user_latency
from insights_exporter.datasets.aggregate import (
    ACTIVITY_BOUNDS,
    ACTIVITY_LEVELS,
    band_rows,
    build_histogram,
    sum_by_key,
)
from insights_exporter.datasets.apps import LIMIT_IN_TEMPLATE as APPS_IN_TEMPLATE
from insights_exporter.datasets.apps import read_apps, times_used_rows, usage_rows
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext, Template
from insights_exporter.datasets.daus import TODAY, YESTERDAY
from insights_exporter.datasets.parameters import LIMIT_IN_TEMPLATE, parameter_samples
from insights_exporter.datasets.report_schema import PATH, TemplatesResponse
from insights_exporter.datasets.timerange import midnight, time_range_of, window_of, zone_of
from insights_exporter.exposition.family import SampleRow, Samples

NAME: Final = "template-breakdown"

_Ids = Iterable[str] | None


def _labels(context: PollContext, template_id: str) -> tuple[str, str, str, str]:
    """Return window, organization, name and id; a template that is no longer listed has its id as name."""
    template = context.templates.get(template_id) or Template(template_id, template_id, "")
    return window_of(context).name, template.organization, template.name, template_id


def convert_report(context: PollContext, response: Response) -> ConvertResult:
    """Return users, apps and parameters of a template."""
    decoded = decode(response.body, TemplatesResponse)
    _check_subject(response, _named_templates(decoded.value))
    labels = _labels(context, response.request.subject)
    daily = Samples(
        families.TEMPLATE_DAILY_ACTIVE_USERS, _daily_rows(context, response, decoded.value, labels[1:])
    )
    report = decoded.value.report
    if report is None:
        return ConvertResult((daily,), invalid=decoded.invalid)
    parameters, values_aggregated = parameter_samples(
        families.TEMPLATE_PARAMETER_WORKSPACES,
        report.parameters_usage or (),
        context.deployment.parameters,
        labels,
        most=LIMIT_IN_TEMPLATE,
    )
    apps, apps_aggregated = read_apps(report.apps_usage, min(context.deployment.apps.limit, APPS_IN_TEMPLATE))
    complete = decoded.complete("report.apps_usage")
    samples = (
        Samples(families.TEMPLATE_ACTIVE_USERS, [(labels, report.active_users)]),
        Samples(families.TEMPLATE_APP_USAGE, usage_rows(apps, labels, complete=complete)),
        Samples(families.TEMPLATE_APP_TIMES_USED, times_used_rows(apps, labels)),
        daily,
        *parameters,
    )
    return ConvertResult(samples, aggregated=values_aggregated + apps_aggregated, invalid=decoded.invalid)


def convert_activity(context: PollContext, response: Response) -> ConvertResult:
    """Return how active the users of a template were."""
    decoded = decode(response.body, user_activity.ActivityResponse)
    report = decoded.value.report
    _check_subject(response, [report.template_ids])
    labels = _labels(context, response.request.subject)
    histogram = build_histogram(user_activity.seconds_by_user(report.users).values(), ACTIVITY_BOUNDS)
    samples = (
        Samples(families.TEMPLATE_ACTIVITY_DISTRIBUTION, [(labels, histogram)]),
        Samples(
            families.TEMPLATE_ACTIVITY_LEVEL, band_rows(labels, histogram, ACTIVITY_BOUNDS, ACTIVITY_LEVELS)
        ),
    )
    return ConvertResult(samples, invalid=decoded.invalid)


def convert_latency(context: PollContext, response: Response) -> ConvertResult:
    """Return how slow the connections of users of a template were."""
    decoded = decode(response.body, user_latency.LatencyResponse)
    report = decoded.value.report
    _check_subject(response, [report.template_ids])
    labels = _labels(context, response.request.subject)
    histograms = user_latency.latency_histograms(labels, user_latency.latencies_by_user(report.users))
    samples = (
        Samples(families.TEMPLATE_LATENCY_DISTRIBUTION, histograms),
        Samples(families.TEMPLATE_CONNECTION_QUALITY, user_latency.quality_rows(histograms)),
    )
    return ConvertResult(samples, invalid=decoded.invalid)


def daily_window(deployment: Deployment) -> Window | None:
    """Return the one window whose responses have the days, since those have no `window` label.

    The shortest that covers yesterday too, else one that covers today.
    """
    fitting = [
        window
        for window in deployment.windows
        if window.include_today and window.name in deployment.templates.windows
    ]
    return min(fitting, key=lambda window: (window.days == 1, window.days), default=None)


def _named_templates(response: TemplatesResponse) -> list[_Ids]:
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
            "the server, or a gateway before it, ignores template_ids: switch templates.breakdown off"
        )
        raise InvalidResponse(text)


def _daily_rows(
    context: PollContext, response: Response, body: TemplatesResponse, labels: tuple[str, ...]
) -> list[SampleRow]:
    users = sum_by_key(
        ((unix_seconds(interval.start_time), unix_seconds(interval.end_time)), interval.active_users)
        for interval in body.interval_reports or ()
    )
    return [((day, *labels), users[span]) for day, span in _days(context, response).items() if span in users]


def _days(context: PollContext, response: Response) -> Mapping[str, tuple[float, float]]:
    """Return what the row of each day must cover: a whole day, or today up to where the request ends.

    Servers count in steps of 24 hours, which are not days while a clock change lies in the window.
    """
    zone, span = zone_of(context), response.request.span
    today = context.now.astimezone(zone).date()
    start = midnight(today, zone).timestamp()
    before = midnight(today - timedelta(days=1), zone).timestamp()
    end = span.end.timestamp() if span and context.window == daily_window(context.deployment) else start
    # A request made before the last midnight has the end of that day only in part.
    return {TODAY: (start, end), YESTERDAY: (before, start)} if end > start else {}


def windows(deployment: Deployment) -> Sequence[Window | None]:
    """Return the windows in which templates are broken down."""
    if not deployment.templates.breakdown:
        return ()
    return tuple(window for window in deployment.windows if window.name in deployment.templates.windows)


def requests(context: PollContext) -> Sequence[Request]:
    """Return the requests for each template in use, up to the limit: of too many the first by id.

    The `subject` is the template's id. With `templates.users` there are up to three requests per template,
    one for each dataset of users that is enabled.
    """
    deployment, span = context.deployment, time_range_of(context)
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


def unrequested(context: PollContext, requests: Sequence[Request]) -> ConvertResult:
    """Return 0 users for each listed template without use, and count the templates beyond the limit."""
    used = set(context.in_use)
    rows: list[SampleRow] = [
        (_labels(context, template), 0.0) for template in sorted(context.templates) if template not in used
    ]
    beyond = len(_in_use(context)) - len({request.subject for request in requests})
    return ConvertResult((Samples(families.TEMPLATE_ACTIVE_USERS, rows),), aggregated=beyond)


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
    families=families.TEMPLATE_FAMILIES,
    windows=windows,
    requests=requests,
    convert=convert,
    unrequested=unrequested,
    depends_on="templates",
    backfill="always",
    missing_route="not_found",
)
