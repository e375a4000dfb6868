"""The answers about templates and users over a window."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from insights_exporter.demo.golang import format_time
from insights_exporter.demo.population.catalog import APPS, App
from insights_exporter.demo.population.parameters import DEFINITIONS, describe, mix
from insights_exporter.demo.population.people import Person
from insights_exporter.demo.population.population import UserTally
from insights_exporter.demo.population.spans import Span, span_between
from insights_exporter.demo.population.tallies import AppTally, Filter
from insights_exporter.demo.rules import DAY, WEEK, Accepted
from insights_exporter.demo.view import Document, View

STEPS = {"day": DAY, "week": WEEK}
BUILTINS = (
    App("vscode", "", "/icon/code.svg"),
    App("jetbrains", "JetBrains", "/icon/intellij.svg"),
    App("reconnecting-pty", "Web Terminal", "/icon/terminal.svg"),
    App("ssh", "SSH", "/icon/terminal.svg"),
    App("sftp", "SFTP", "/icon/terminal.svg"),
)
WITHOUT_SFTP = 4
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
    builtins = [*tally.builtins, AppTally()] if view.generation.sftp else tally.builtins
    apps = [_app(view, app, named) for named, app in zip(_builtins(view), builtins, strict=True)]
    if not view.generation.own_app_templates:
        apps = [app | {"template_ids": used} for app in apps]
    apps += [_app(view, app, APPS[index]) for index, app in sorted(tally.customs.items())]
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


def _builtins(view: View) -> Iterator[App]:
    for app in BUILTINS[: None if view.generation.sftp else WITHOUT_SFTP]:
        yield replace(app, name=app.name or view.generation.vscode_name)


def _app(view: View, app: AppTally, named: App) -> Document:
    return {
        "template_ids": view.population.template_ids(app.templates),
        "type": "app" if named in APPS else "builtin",
        "display_name": named.name,
        "slug": named.slug,
        "icon": named.icon,
        "seconds": app.seconds,
    } | ({"times_used": app.runs} if view.generation.times_used else {})


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
