"""A slow reference implementation that lists every half hour, as the database does."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from insights_exporter.demo import Population
from insights_exporter.demo.population.activity import make_plans
from insights_exporter.demo.population.population import draw_latency_factor
from insights_exporter.demo.population.templates import SESSION_APPS
from insights_exporter.demo.population.timeline import REGIONS, Span, find_first_half_hour
from insights_exporter.demo.population.users import NO_TEMPLATE

CAP = 30


class Row(NamedTuple):
    """The activity of one user in one half hour on one template; `apps` are minutes by app."""

    user: int
    half_hour: int
    template: int
    minutes: int
    apps: dict[tuple[str, int], int]
    latency: float


def rows(population: Population, span: Span, chosen: frozenset[int] | None) -> list[Row]:
    """Return all rows of a span and a choice of templates."""
    days = range(span.first // 48 - 1, span.after // 48 + 2)
    return [
        row
        for region in range(len(REGIONS))
        for day in days
        for row in _day(population, region, day, span)
        if chosen is None or row.template in chosen
    ]


def seconds_by_user(written: Sequence[Row], span: Span) -> dict[int, int]:
    """Return the seconds of each user, at most the length of each half hour over all templates."""
    halves: dict[tuple[int, int], int] = defaultdict(int)
    for row in written:
        halves[row.user, row.half_hour] += row.minutes
    totals: dict[int, int] = defaultdict(int)
    for (user, half_hour), minutes in halves.items():
        totals[user] += min(minutes, _count_minutes(half_hour, span)) * 60
    return dict(totals)


def seconds_by_app(written: Sequence[Row], span: Span) -> dict[tuple[str, int], int]:
    """Return the seconds of each app, at most the length of each half hour per user."""
    halves: dict[tuple[tuple[str, int], int, int], int] = defaultdict(int)
    for row in written:
        for app, minutes in row.apps.items():
            halves[app, row.user, row.half_hour] += minutes
    totals: dict[tuple[str, int], int] = defaultdict(int)
    for (app, _, half_hour), minutes in halves.items():
        totals[app] += min(minutes, _count_minutes(half_hour, span)) * 60
    return dict(totals)


def templates_by_app(written: Sequence[Row]) -> dict[tuple[str, int], set[int]]:
    """Return the templates on which each app was used."""
    found: dict[tuple[str, int], set[int]] = defaultdict(set)
    for row in written:
        for app in row.apps:
            found[app].add(row.template)
    return dict(found)


def runs_by_app(written: Sequence[Row]) -> dict[tuple[str, int], int]:
    """Return the number of runs of consecutive half hours of each app, by user."""
    halves: dict[tuple[tuple[str, int], int], set[int]] = defaultdict(set)
    for row in written:
        for app in row.apps:
            halves[app, row.user].add(row.half_hour)
    totals: dict[tuple[str, int], int] = defaultdict(int)
    for (app, _), used in halves.items():
        totals[app] += 1 + sum(after - before > 1 for before, after in pairwise(sorted(used)))
    return dict(totals)


def latencies_by_user(written: Sequence[Row]) -> dict[int, list[float]]:
    """Return the latencies of each user, sorted."""
    found: dict[int, list[float]] = {row.user: [] for row in written}
    for row in written:
        if row.latency:
            found[row.user].append(row.latency)
    return {user: sorted(values) for user, values in found.items()}


def workspaces(population: Population, span: Span, chosen: frozenset[int] | None) -> set[tuple[int, int]]:
    """Return the workspaces, as user and template, that were built in a span, early in a half hour."""
    return {
        (user, template)
        for region in range(len(REGIONS))
        for day in range(span.first // 48 - 1, span.after // 48 + 2)
        for user, template, half_hour in _builds(population, region, day)
        if _count_minutes(half_hour, span) and (chosen is None or template in chosen)
    }


def _builds(population: Population, region: int, day: int) -> Iterator[tuple[int, int, int]]:
    activity = population.draw_activity(region, day)
    for user, number in zip(activity.users, activity.plans, strict=True):
        templates = _templates(population, user, number)
        for half_hour, template in zip(make_plans()[number].builds, templates, strict=True):
            if half_hour is not None and template != NO_TEMPLATE:
                yield user, template, find_first_half_hour(REGIONS[region], day) + half_hour


def _templates(population: Population, index: int, number: int) -> tuple[int, int]:
    user = population.users[index]
    if make_plans()[number].is_swapped and user.other != NO_TEMPLATE:
        return user.other, user.main
    return user.main, user.other


def _day(population: Population, region: int, day: int, span: Span) -> Iterator[Row]:
    activity = population.draw_activity(region, day)
    factor = draw_latency_factor(population.seed, region, day)
    start = find_first_half_hour(REGIONS[region], day)
    limits = [_count_minutes(start + index, span) for index in range(48)]
    for user, number in zip(activity.users, activity.plans, strict=True):
        templates = _templates(population, user, number)
        for usage, template in zip(make_plans()[number].roles, templates, strict=False):
            if template == NO_TEMPLATE:
                continue
            names = _apps(population, template)
            for index, limit in enumerate(limits):
                if not min(usage.minutes[index], limit):
                    continue
                apps = {name: min(app[index], limit) for name, app in zip(names, usage.apps, strict=False)}
                yield Row(
                    user,
                    start + index,
                    template,
                    min(usage.minutes[index], limit),
                    {name: minutes for name, minutes in apps.items() if minutes},
                    usage.latencies[0][index] * factor,
                )


def _count_minutes(half_hour: int, span: Span) -> int:
    """Return the minutes of a half hour that count."""
    if span.first <= half_hour < span.after:
        return CAP
    return span.minutes if half_hour == span.after else 0


def _apps(population: Population, template: int) -> list[tuple[str, int]]:
    custom = population.catalog.templates[template].apps
    return [("builtin", index) for index in range(len(SESSION_APPS))] + [("app", index) for index in custom]
