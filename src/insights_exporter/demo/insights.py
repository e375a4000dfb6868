"""The answers about templates and users over a window."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from insights_exporter.demo.apps import list_apps
from insights_exporter.demo.golang import format_time
from insights_exporter.demo.population.parameters import DEFINITIONS, describe, mix
from insights_exporter.demo.population.people import Person
from insights_exporter.demo.population.population import UserTally
from insights_exporter.demo.population.spans import Span, span_between
from insights_exporter.demo.population.tallies import Filter
from insights_exporter.demo.rules import DAY, WEEK, Accepted
from insights_exporter.demo.view import Document, View

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
