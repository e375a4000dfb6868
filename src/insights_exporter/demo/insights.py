"""The answers about days: active users by day, users by status."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from insights_exporter.demo.apps import list_apps
from insights_exporter.demo.auth import Document, RequestContext
from insights_exporter.demo.go_format import format_time
from insights_exporter.demo.population.aggregation import Filter
from insights_exporter.demo.population.population import UserTally
from insights_exporter.demo.population.templates import PARAMETERS, describe, mix
from insights_exporter.demo.population.timeline import Span, span_between
from insights_exporter.demo.population.users import User
from insights_exporter.demo.validation import DAY, WEEK, ParsedQuery, next_hour

DAYS_BACK = 60
FARTHEST_OFFSET = 1000
STATUSES = ("active", "dormant", "suspended")


def build_daus(context: RequestContext, query: ParsedQuery, template_id: str = "") -> Document:
    """Answer `/insights/daus`, or `/templates/{id}/daus` with the template's id.

    The buckets are days of UTC whatever the offset, which only shifts their
    labels: the server does so.
    """
    chosen = context.population.template_filter((template_id,) if template_id else ())
    end = next_hour(context.now)
    start = end.replace(hour=0) - DAYS_BACK * DAY
    entries = [_entry(context, query, day, min(day + DAY, end), chosen) for day in _steps(start, end, DAY)]
    return {"entries": as_stored(entries), "tz_hour_offset": query.tz_offset}


_OWN_STATUS = "active"
"""The status of the token's own user, which every server reports."""


def build_status_counts(context: RequestContext, query: ParsedQuery) -> Document:
    """Answer `/insights/user-status-counts`: from midnight 60 days ago to the next full hour, day by day."""
    end = next_hour(context.now)
    grid = [*(_midnights(query.zone, end) if query.zone else _fixed_grid(query, end))]
    counts = [context.population.statuses(point.toordinal()) for point in grid]
    return {
        "status_counts": {
            status: [
                {"date": format_time(point), "count": count.get(status, 0)}
                for point, count in zip(grid, counts, strict=True)
            ]
            for status in STATUSES
            if status == _OWN_STATUS or any(status in count for count in counts)
        }
    }


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    while start < end:
        yield start
        start += step


def _entry(
    context: RequestContext, query: ParsedQuery, start: datetime, end: datetime, chosen: Filter
) -> Document:
    span = span_between(start, end, context.now)
    population = context.population
    amount = (
        population.count_active(span) if chosen is None else population.tally(span, chosen).users.bit_count()
    )
    label = start + timedelta(hours=_sane(query.tz_offset))
    date = f"{label:%Y-%m-%d}" if context.server_version.plain_day_dates else format_time(start)
    return {"date": date, "amount": amount}


def _midnights(zone: ZoneInfo, end: datetime) -> Iterator[datetime]:
    last = end.astimezone(zone).date()
    for back in range(DAYS_BACK, -1, -1):
        yield datetime.combine(last - back * DAY, time.min, zone).astimezone(UTC)


def _fixed_grid(query: ParsedQuery, end: datetime) -> Iterator[datetime]:
    ahead = timedelta(hours=_sane(query.tz_offset))
    start = (end + ahead).replace(hour=0) - ahead - DAYS_BACK * DAY
    return _steps(start, end + timedelta(microseconds=1), timedelta(seconds=query.step))


def _sane(hours: int) -> int:
    return max(-FARTHEST_OFFSET, min(hours, FARTHEST_OFFSET))


STEPS = {"day": DAY, "week": WEEK}
NO_LATENCY = -1
Measured = Callable[[UserTally, User], Document]


def build_templates_report(context: RequestContext, query: ParsedQuery) -> Document:
    """Answer `/insights/templates`."""
    chosen = context.population.template_filter(query.template_ids)
    document: Document = {}
    if "report" in query.sections:
        document["report"] = _report(context, query, chosen)
    if "interval_reports" in query.sections:
        reports = list(_interval_reports(context, query, chosen))
        if reports or context.server_version.keeps_empty_intervals:
            document["interval_reports"] = as_stored(reports)
    return document


def build_user_activity(context: RequestContext, query: ParsedQuery) -> Document:
    """Answer `/insights/user-activity`."""
    return _user_report(context, query, _seconds)


def build_user_latency(context: RequestContext, query: ParsedQuery) -> Document:
    """Answer `/insights/user-latency`."""
    return _user_report(context, query, _latency)


def percentile(values: Sequence[float], part: float) -> float:
    """Give a percentile of sorted values as PostgreSQL's `percentile_cont` does, -1 of none."""
    if not values:
        return NO_LATENCY
    place = (len(values) - 1) * part
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def _report(context: RequestContext, query: ParsedQuery, chosen: Filter) -> Document:
    tally = context.population.tally(_span(context, query.start, query.end), chosen)
    used = context.population.template_ids(tally.templates)
    apps = list_apps(context, tally)
    if not context.server_version.own_app_templates:
        apps = [app | ({"template_ids": used} if app["type"] == "builtin" else {}) for app in apps]
    return {
        "start_time": format_time(query.start),
        "end_time": format_time(query.end),
        "template_ids": used,
        "active_users": tally.users.bit_count(),
        "apps_usage": apps,
        "parameters_usage": _parameters(context, query, chosen),
    }


def _span(context: RequestContext, start: datetime, end: datetime) -> Span:
    return span_between(start, end, context.now)


def _parameters(context: RequestContext, query: ParsedQuery, chosen: Filter) -> list[Document]:
    found = context.population.parameters(_span(context, query.start, query.end), chosen)
    templates = context.population.catalog.templates
    return [
        {
            "template_ids": sorted(templates[at].id for at in tally.templates),
            "display_name": PARAMETERS[index].display_name,
            "name": PARAMETERS[index].name,
            "type": PARAMETERS[index].type,
            "description": PARAMETERS[index].description,
            **describe(PARAMETERS[index]),
            "values": [{"value": value, "count": count} for value, count in sorted(tally.values.items())],
        }
        for index, tally in found.items()
    ]


def _interval_reports(context: RequestContext, query: ParsedQuery, chosen: Filter) -> Iterator[Document]:
    start, end = query.start, query.end.astimezone(query.start.tzinfo)
    while query.interval and start < end:
        after = min(start + STEPS[query.interval], end)
        tally = context.population.tally(_span(context, start, after), chosen)
        yield {
            "start_time": format_time(start),
            "end_time": format_time(after),
            "template_ids": context.population.template_ids(tally.templates),
            "interval": query.interval,
            "active_users": tally.users.bit_count(),
        }
        start = after


def as_stored(rows: list[Document]) -> list[Document]:
    """Give rows in an order that means nothing, as a query without ORDER BY does."""
    return [row for _, row in sorted(enumerate(rows), key=lambda pair: mix(pair[0]))]


def _user_report(context: RequestContext, query: ParsedQuery, measured: Measured) -> Document:
    chosen = context.population.template_filter(query.template_ids)
    found = context.population.user_tallies(_span(context, query.start, query.end), chosen)
    catalog, people = context.population.catalog.templates, context.population.users
    used = {template for tally in found.values() for template in tally.templates}
    users = [
        {
            "template_ids": sorted(catalog[at].id for at in tally.templates),
            "user_id": people[user].id,
            "username": people[user].username,
            "avatar_url": people[user].avatar_url,
            **measured(tally, people[user]),
        }
        for user, tally in found.items()
    ]
    return {
        "report": {
            "start_time": format_time(query.start),
            "end_time": format_time(query.end),
            "template_ids": sorted(catalog[at].id for at in used),
            "users": users,
        }
    }


def _seconds(tally: UserTally, _person: User) -> Document:
    return {"seconds": tally.seconds}


def _latency(tally: UserTally, person: User) -> Document:
    values = sorted(tally.latencies) if person.latency_ms > 0 else []
    return {
        "latency_ms": {
            name: round(percentile(values, part) * person.latency_ms, 3) if values else NO_LATENCY
            for name, part in (("p50", 0.5), ("p95", 0.95))
        }
    }
