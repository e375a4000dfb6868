"""The answers about days: active users by day, users by status."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from insights_exporter.demo.apps import list_apps
from insights_exporter.demo.go_format import format_time
from insights_exporter.demo.population.aggregation import Filter
from insights_exporter.demo.population.population import UserTally
from insights_exporter.demo.population.templates import DEFINITIONS, describe, mix
from insights_exporter.demo.population.timeline import Span, span_between
from insights_exporter.demo.population.users import Person
from insights_exporter.demo.response_cache import Document, View
from insights_exporter.demo.validation import DAY, WEEK, Accepted, next_hour

DAYS_BACK = 60
FARTHEST_OFFSET = 1000
STATUSES = ("active", "dormant", "suspended")


def answer_days(view: View, asked: Accepted, template_id: str = "") -> Document:
    """Answer `/insights/daus`, or `/templates/{id}/daus` with the template's id.

    The buckets are days of UTC whatever the offset, which only shifts their
    labels: the server does so.
    """
    chosen = view.population.indexes((template_id,) if template_id else ())
    end = next_hour(view.now)
    start = end.replace(hour=0) - DAYS_BACK * DAY
    entries = [_entry(view, asked, day, min(day + DAY, end), chosen) for day in _steps(start, end, DAY)]
    return {"entries": as_stored(entries), "tz_hour_offset": asked.tz_offset}


_OWN_STATUS = "active"
"""The status of the token's own user, which every server reports."""


def answer_status_counts(view: View, asked: Accepted) -> Document:
    """Answer `/insights/user-status-counts`: from midnight 60 days ago to the next full hour, day by day."""
    end = next_hour(view.now)
    grid = [*(_midnights(asked.zone, end) if asked.zone else _fixed_grid(asked, end))]
    counts = [view.population.statuses(point.toordinal()) for point in grid]
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


def _entry(view: View, asked: Accepted, start: datetime, end: datetime, chosen: Filter) -> Document:
    span = span_between(start, end, view.now)
    population = view.population
    amount = population.active(span) if chosen is None else population.tally(span, chosen).users.bit_count()
    label = start + timedelta(hours=_sane(asked.tz_offset))
    date = f"{label:%Y-%m-%d}" if view.generation.plain_day_dates else format_time(start)
    return {"date": date, "amount": amount}


def _midnights(zone: ZoneInfo, end: datetime) -> Iterator[datetime]:
    last = end.astimezone(zone).date()
    for back in range(DAYS_BACK, -1, -1):
        yield datetime.combine(last - back * DAY, time.min, zone).astimezone(UTC)


def _fixed_grid(asked: Accepted, end: datetime) -> Iterator[datetime]:
    ahead = timedelta(hours=_sane(asked.tz_offset))
    start = (end + ahead).replace(hour=0) - ahead - DAYS_BACK * DAY
    return _steps(start, end + timedelta(microseconds=1), timedelta(seconds=asked.step))


def _sane(hours: int) -> int:
    return max(-FARTHEST_OFFSET, min(hours, FARTHEST_OFFSET))


STEPS = {"day": DAY, "week": WEEK}
NO_LATENCY = -1
Measured = Callable[[UserTally, Person], Document]


def answer_templates(view: View, asked: Accepted) -> Document:
    """Answer `/insights/templates`."""
    chosen = view.population.indexes(asked.template_ids)
    document: Document = {}
    if "report" in asked.sections:
        document["report"] = _report(view, asked, chosen)
    if "interval_reports" in asked.sections:
        reports = list(_interval_reports(view, asked, chosen))
        if reports or view.generation.keeps_empty_intervals:
            document["interval_reports"] = as_stored(reports)
    return document


def answer_activity(view: View, asked: Accepted) -> Document:
    """Answer `/insights/user-activity`."""
    return _user_report(view, asked, _seconds)


def answer_latency(view: View, asked: Accepted) -> Document:
    """Answer `/insights/user-latency`."""
    return _user_report(view, asked, _latency)


def percentile(values: Sequence[float], part: float) -> float:
    """Give a percentile of sorted values as PostgreSQL's `percentile_cont` does, -1 of none."""
    if not values:
        return NO_LATENCY
    place = (len(values) - 1) * part
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def _report(view: View, asked: Accepted, chosen: Filter) -> Document:
    tally = view.population.tally(_span(view, asked.start, asked.end), chosen)
    used = view.population.template_ids(tally.templates)
    apps = list_apps(view, tally)
    if not view.generation.own_app_templates:
        apps = [app | ({"template_ids": used} if app["type"] == "builtin" else {}) for app in apps]
    return {
        "start_time": format_time(asked.start),
        "end_time": format_time(asked.end),
        "template_ids": used,
        "active_users": tally.users.bit_count(),
        "apps_usage": apps,
        "parameters_usage": _parameters(view, asked, chosen),
    }


def _span(view: View, start: datetime, end: datetime) -> Span:
    return span_between(start, end, view.now)


def _parameters(view: View, asked: Accepted, chosen: Filter) -> list[Document]:
    found = view.population.parameters(_span(view, asked.start, asked.end), chosen)
    templates = view.population.catalog.templates
    return [
        {
            "template_ids": sorted(templates[at].id for at in tally.templates),
            "display_name": DEFINITIONS[index].display_name,
            "name": DEFINITIONS[index].name,
            "type": DEFINITIONS[index].type,
            "description": DEFINITIONS[index].description,
            **describe(DEFINITIONS[index]),
            "values": [{"value": value, "count": count} for value, count in sorted(tally.values.items())],
        }
        for index, tally in found.items()
    ]


def _interval_reports(view: View, asked: Accepted, chosen: Filter) -> Iterator[Document]:
    start, end = asked.start, asked.end.astimezone(asked.start.tzinfo)
    while asked.interval and start < end:
        after = min(start + STEPS[asked.interval], end)
        tally = view.population.tally(_span(view, start, after), chosen)
        yield {
            "start_time": format_time(start),
            "end_time": format_time(after),
            "template_ids": view.population.template_ids(tally.templates),
            "interval": asked.interval,
            "active_users": tally.users.bit_count(),
        }
        start = after


def as_stored(rows: list[Document]) -> list[Document]:
    """Give rows in an order that means nothing, as a query without ORDER BY does."""
    return [row for _, row in sorted(enumerate(rows), key=lambda pair: mix(pair[0]))]


def _user_report(view: View, asked: Accepted, measured: Measured) -> Document:
    chosen = view.population.indexes(asked.template_ids)
    found = view.population.users(_span(view, asked.start, asked.end), chosen)
    catalog, people = view.population.catalog.templates, view.population.people
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
            "start_time": format_time(asked.start),
            "end_time": format_time(asked.end),
            "template_ids": sorted(catalog[at].id for at in used),
            "users": users,
        }
    }


def _seconds(tally: UserTally, _person: Person) -> Document:
    return {"seconds": tally.seconds}


def _latency(tally: UserTally, person: Person) -> Document:
    values = sorted(tally.latencies) if person.latency_ms > 0 else []
    return {
        "latency_ms": {
            name: round(percentile(values, part) * person.latency_ms, 3) if values else NO_LATENCY
            for name, part in (("p50", 0.5), ("p95", 0.95))
        }
    }
