"""The responses of the insights endpoints."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import reduce
from operator import or_

from insights_exporter.demo.context import Document, RequestContext
from insights_exporter.demo.error_responses import FORBIDDEN, NO_RESOURCE, Refused
from insights_exporter.demo.go_format import format_time
from insights_exporter.demo.population.population import AppTally, Filter, Tally, UserTally
from insights_exporter.demo.population.templates import APPS, PARAMETERS, SESSION_APPS, SampleApp, mix
from insights_exporter.demo.population.timeline import build_span
from insights_exporter.demo.population.users import User
from insights_exporter.demo.validation import DAY, ParsedQuery, find_next_hour, validate_query

DAYS_BACK = 60
STATUSES = ("active", "dormant", "suspended")
OWN_STATUS = "active"
"""The status of the token's own user, which every server reports."""
INTERVALS = {"day": DAY, "week": timedelta(weeks=1)}
NO_LATENCY = -1
FAMILIES = (
    SampleApp("vscode", "", "/icon/code.svg", "vscode"),
    SampleApp("jetbrains", "JetBrains", "/icon/intellij.svg", "jetbrains"),
    SampleApp("reconnecting-pty", "Web Terminal", "/icon/terminal.svg", "reconnecting_pty"),
    SampleApp("ssh", "SSH", "/icon/terminal.svg", "ssh"),
    SampleApp("sftp", "SFTP", "/icon/terminal.svg", "sftp"),
)
"""The rows of classic servers, which list all of them in this order."""
OVERFLOW = SESSION_APPS[-1]
Used = tuple[SampleApp, AppTally]
"""An app with its totals."""
WORKSPACE_APP = "workspace_app"
"""Family and method of a template's own app."""
METHODS = ("reconnecting_pty", WORKSPACE_APP)
"""Families that are connection methods of their own; the method of all others is `ssh`."""


def _read_query(context: RequestContext) -> ParsedQuery:
    return validate_query(context.path, context.query, context.now, context.server_version)


def _read_report_query(context: RequestContext) -> tuple[ParsedQuery, Filter]:
    """Return a query, and which templates it requests; raises Refused if the caller may not see them."""
    query, catalog = _read_query(context), context.population.catalog
    own = {each.id for each in catalog.templates if each.organization == catalog.organizations[0]}
    sees_own = context.role.one_organization and query.template_ids and own.issuperset(query.template_ids)
    if not (context.role.views_insights or sees_own):
        raise Refused(NO_RESOURCE)
    return query, context.population.find_templates(query.template_ids)


def build_daus(context: RequestContext) -> Document:
    """Return the response of `/insights/daus`, in days of UTC."""
    if not context.role.reads_deployment:
        raise Refused(FORBIDDEN)
    _read_query(context)
    end = find_next_hour(context.now)
    entries = []
    start = end.replace(hour=0) - DAYS_BACK * DAY
    while start < end:
        span = build_span(start, min(start + DAY, end), context.now)
        date = f"{start:%Y-%m-%d}" if context.server_version.year >= 2024 else format_time(start)
        entries.append({"date": date, "amount": context.population.count_active(span)})
        start += DAY
    return {"entries": shuffle(entries), "tz_hour_offset": 0}


def build_status_counts(context: RequestContext) -> Document:
    """Return the response of `/insights/user-status-counts`: 60 days up to the next full hour."""
    query = _read_query(context)
    if not context.role.reads_users:
        raise Refused(FORBIDDEN)
    end = find_next_hour(context.now)
    today = end.astimezone(query.zone).date()
    days = [today - days * DAY for days in range(DAYS_BACK, -1, -1)]
    dates = [datetime.combine(day, time.min, query.zone).astimezone(UTC) for day in days]
    counts = [context.population.count_statuses(date.toordinal()) for date in dates]
    return {
        "status_counts": {
            status: [
                {"date": format_time(date), "count": count.get(status, 0)}
                for date, count in zip(dates, counts, strict=True)
            ]
            for status in STATUSES
            if status == OWN_STATUS or any(status in count for count in counts)
        }
    }


def build_templates_report(context: RequestContext) -> Document:
    """Return the response of `/insights/templates`."""
    query, chosen = _read_report_query(context)
    tally = context.population.tally(build_span(query.start, query.end, context.now), chosen)
    used = context.population.list_template_ids(tally.templates)
    apps = _list_apps(context, tally)
    if context.server_version.year < 2024:
        apps = [app | ({"template_ids": used} if app["type"] == "builtin" else {}) for app in apps]
    document: Document = {
        "report": {
            "start_time": format_time(query.start),
            "end_time": format_time(query.end),
            "template_ids": used,
            "active_users": tally.users.bit_count(),
            "apps_usage": apps,
            "parameters_usage": _list_parameters(context, query, chosen),
        }
    }
    reports = list(_build_intervals(context, query, chosen))
    if reports or context.server_version.year < 2024:
        document["interval_reports"] = shuffle(reports)
    return document


def _list_apps(context: RequestContext, tally: Tally) -> list[Document]:
    """Return the rows of `apps_usage`: session apps, then the templates' own."""
    version = context.server_version
    used = [(APPS[index], total) for index, total in sorted(tally.apps.items())]
    if version.session_apps == "families":
        own = [(app, total) for app, total in used if app.family == WORKSPACE_APP]
        rows = [*_sum_families(used, version.year), *own]
    else:
        rows = sorted(used, key=lambda each: (each[0].family == WORKSPACE_APP, each[0]))
    return [_build_row(context, app, total) for app, total in rows]


def _sum_families(used: Sequence[Used], year: int) -> Iterator[Used]:
    vscode = "VS Code Family" if year >= 2026 else "Visual Studio Code"
    for family in FAMILIES if year >= 2024 else FAMILIES[:-1]:
        sums = AppTally()
        for app, total in used:
            if app.family == family.family:
                sums.add(total.seconds, total.runs, total.templates)
        yield family._replace(name=family.name or vscode), sums


def _build_row(context: RequestContext, app: SampleApp, total: AppTally) -> Document:
    version = context.server_version
    row: Document = {"template_ids": context.population.list_template_ids(total.templates)}
    if version.session_apps == "by-method":
        row["method"] = app.family if app.family in METHODS else "ssh"
    else:
        row["type"] = "app" if app.family == WORKSPACE_APP else "builtin"
    row |= {"display_name": app.name, "slug": app.slug, "icon": app.icon, "seconds": total.seconds}
    if version.session_apps == "by-method":
        row["seconds_is_upper_bound"] = app == OVERFLOW
    if version.year >= 2025:
        row["times_used"] = total.runs
    if version.session_apps in {"listed", "bounded"}:
        row["family"] = app.family
    if version.session_apps == "bounded" and app == OVERFLOW:
        row["seconds_is_upper_bound"] = True
    return row


def _list_parameters(context: RequestContext, query: ParsedQuery, chosen: Filter) -> list[Document]:
    span = build_span(query.start, query.end, context.now)
    rows = []
    for index, tally in context.population.tally_parameters(span, chosen).items():
        parameter = PARAMETERS[index]
        row = {
            "template_ids": context.population.list_template_ids(tally.templates),
            "display_name": parameter.display_name,
            "name": parameter.name,
            "type": parameter.type,
            "description": parameter.description,
            "options": parameter.options,
            "values": [{"value": value, "count": count} for value, count in sorted(tally.values.items())],
        }
        rows.append({name: value for name, value in row.items() if value or name != "options"})
    return rows


def _build_intervals(context: RequestContext, query: ParsedQuery, chosen: Filter) -> Iterator[Document]:
    start, end = query.start, query.end.astimezone(query.start.tzinfo)
    while query.interval and start < end:
        after = min(start + INTERVALS[query.interval], end)
        tally = context.population.tally(build_span(start, after, context.now), chosen)
        yield {
            "start_time": format_time(start),
            "end_time": format_time(after),
            "template_ids": context.population.list_template_ids(tally.templates),
            "interval": query.interval,
            "active_users": tally.users.bit_count(),
        }
        start = after


def build_user_activity(context: RequestContext) -> Document:
    """Return the response of `/insights/user-activity`."""
    return _build_user_report(context, lambda tally, _user: {"seconds": tally.seconds})


def build_user_latency(context: RequestContext) -> Document:
    """Return the response of `/insights/user-latency`."""
    return _build_user_report(context, _measure_latency)


def _build_user_report(context: RequestContext, measure: Callable[[UserTally, User], Document]) -> Document:
    query, chosen = _read_report_query(context)
    tallies = context.population.tally_users(build_span(query.start, query.end, context.now), chosen)
    users, list_template_ids = context.population.users, context.population.list_template_ids
    used = reduce(or_, (tally.templates for tally in tallies.values()), 0)
    return {
        "report": {
            "start_time": format_time(query.start),
            "end_time": format_time(query.end),
            "template_ids": list_template_ids(used),
            "users": [
                {
                    "template_ids": list_template_ids(tally.templates),
                    "user_id": users[index].id,
                    "username": users[index].username,
                    "avatar_url": users[index].avatar_url,
                    **measure(tally, users[index]),
                }
                for index, tally in tallies.items()
            ],
        }
    }


def _measure_latency(tally: UserTally, user: User) -> Document:
    values = sorted(tally.latencies) if user.latency_ms > 0 else []
    return {
        "latency_ms": {
            name: round(compute_percentile(values, share) * user.latency_ms, 3) if values else NO_LATENCY
            for name, share in (("p50", 0.5), ("p95", 0.95))
        }
    }


def compute_percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile of sorted values, at least one, as PostgreSQL's `percentile_cont` does."""
    position = (len(values) - 1) * share
    below = int(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (position - below)


def shuffle(rows: list[Document]) -> list[Document]:
    """Return rows in an arbitrary order, as a query without ORDER BY does."""
    return [rows[index] for index in sorted(range(len(rows)), key=mix)]
