"""Day plans: the activity of a user on a day, by half hour; a seed decides who follows which plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.templates import SESSION_APPS
from insights_exporter.demo.population.timeline import HALF_HOUR, HALF_HOURS_PER_DAY, ROLLUP_MINUTES, Span

FAMILIES = 4
"""Number of session apps in which personas differ: the first of SESSION_APPS, each for its whole family."""
SLOTS = 3
PLANS_PER_PERSONA = 64
PERSONAS: Sequence[tuple[float, ...]] = (
    (0.95, 0.02, 0.30, 0.25, 0.30, 0.05, 0.10),
    (0.10, 0.95, 0.20, 0.35, 0.10, 0.15, 0.05),
    (0.20, 0.00, 0.35, 0.95, 0.05, 0.05, 0.20),
    (0.05, 0.02, 0.55, 0.05, 0.80, 0.60, 0.30),
)
"""Probability that an app is used on a day, by persona: the families, then the slots."""
MEMBERS = (
    ("vscode", ("vscode", "cursor", "vscode", "windsurf", "vscode", "cursor", "code_server")),
    ("ssh", ("ssh", "ssh", "zed")),
)
"""The apps of a family, of which each plan uses one."""
ALONGSIDE = (("our_editor", 5), ("unknown", 23), ("overflow", 31))
"""Apps without a family that are open all day, each in one of so many plans."""
MAIN, BOTH = 0, 2
"""Roles of a plan."""
CACHED_MEASURES = 65536


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of the workspaces of one template, as minutes per half hour.

    `apps` are in the order of SESSION_APPS and the slots. `latencies` holds
    the latency of each half hour relative to the user's own, 0 if none was
    measured; two rows if two templates were used.
    """

    minutes: bytes
    apps: tuple[bytes, ...]
    latencies: tuple[tuple[float, ...], ...]


class Measure(NamedTuple):
    """The totals of a part of a plan.

    `session_apps` are (index, seconds), `custom_apps` (slot, seconds, runs), both without unused apps.
    """

    seconds: int
    session_apps: tuple[tuple[int, int], ...]
    custom_apps: tuple[tuple[int, int, int], ...]
    latencies: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A day: the usage of the main template, of the other one, and of both together.

    With `is_swapped` the main template of the day is the user's other one. `builds` are the
    half hours in which the two workspaces are built, None if they are not.
    """

    roles: tuple[Usage, Usage, Usage]
    is_swapped: bool
    builds: tuple[int | None, int | None]


@cache
def make_plans() -> tuple[Plan, ...]:
    """Return the plans of all personas, PLANS_PER_PERSONA each."""
    random = Random("day plans")  # noqa: S311 - sample data need no secrets
    personas = (persona for persona in PERSONAS for _ in range(PLANS_PER_PERSONA))
    return tuple(_make_plan(random, number, persona) for number, persona in enumerate(personas))


@lru_cache(CACHED_MEASURES)
def measure(plan: int, role: int, part: Span) -> Measure | None:
    """Return the totals of a part of a plan in one of its three roles, None without any usage."""
    usage = make_plans()[plan].roles[role]
    minutes = _cut(usage.minutes, part)
    if not any(minutes):
        return None
    apps = [(index, _cut(app, part)) for index, app in enumerate(usage.apps)]
    used = [(index, sum(app) * 60, app) for index, app in apps if any(app)]
    latencies = (
        latency
        for row in usage.latencies
        for latency, used_minutes in zip(row[part.first :], minutes, strict=False)
        if used_minutes and latency
    )
    return Measure(
        sum(minutes) * 60,
        tuple((index, seconds) for index, seconds, _ in used if index < len(SESSION_APPS)),
        tuple(
            (index - len(SESSION_APPS), seconds, _count_runs(app))
            for index, seconds, app in used
            if index >= len(SESSION_APPS)
        ),
        tuple(sorted(latencies)),
    )


def is_built(half_hour: int | None, part: Span) -> bool:
    """Return whether the build of a plan, which is in this half hour, is in a part of the day."""
    if half_hour is None:
        return False
    return part.first <= half_hour < part.after or (
        half_hour == part.after and part.minutes >= ROLLUP_MINUTES
    )


def _cut(minutes: bytes, part: Span) -> bytes:
    whole = minutes[part.first : part.after]
    return whole + bytes((min(minutes[part.after], part.minutes),)) if part.minutes else whole


def _count_runs(minutes: bytes) -> int:
    return sum(1 for before, here in zip(b"\0" + minutes, minutes, strict=False) if here and not before)


def _make_plan(random: Random, number: int, persona: Sequence[float]) -> Plan:
    main = _draw_working_day(random)
    other = _draw_side_job(random, main)
    first = _draw_usage(random, number, main, persona)
    second = _draw_usage(random, number, other, persona[:FAMILIES])
    both = Usage(
        _add_capped(first.minutes, second.minutes),
        tuple(map(_add_capped, first.apps, second.apps)),
        first.latencies + second.latencies,
    )
    builds = [_find_first_used(minutes) if random.random() < 0.25 else None for minutes in (main, other)]
    return Plan((first, second, both), random.random() < 0.15, (builds[0], builds[1]))


def _draw_working_day(random: Random) -> bytes:
    day = bytearray(HALF_HOURS_PER_DAY)
    start = min(max(round(random.gauss(18, 2)), 12), 26)
    length = random.choice((2, 4, 9, 12, 14, 16, 16, 17, 18, 20))
    for index in range(start, min(start + length, 46)):
        day[index] = HALF_HOUR if random.random() < 0.7 else random.randint(3, HALF_HOUR)
    if length > 8:  # lunch, on days of more than four hours
        day[random.randint(23, 26)] = 0
    return bytes(day)


def _draw_side_job(random: Random, main: bytes) -> bytes:
    day = bytearray(HALF_HOURS_PER_DAY)
    if random.random() < 0.4:
        start = _find_first_used(main) or 0
        begin = start + random.randint(0, 8)
        for index in range(begin, begin + random.randint(1, 6)):
            day[index] = random.randint(4, HALF_HOUR)
    return bytes(day)


def _draw_usage(random: Random, number: int, minutes: bytes, persona: Sequence[float]) -> Usage:
    idle = bytes(len(minutes))
    drawn = []
    for chance in persona:
        app = idle
        if random.random() < chance:
            share = random.choice((0.25, 0.6, 1.0, 1.0))
            app = bytes(used if random.random() < share else 0 for used in minutes)
        drawn.append(app)
    # Of each family one app is used.
    session_apps = dict(zip((app.slug for app in SESSION_APPS), drawn[:FAMILIES], strict=False))
    session_apps |= {apps[number % len(apps)]: session_apps.pop(family) for family, apps in MEMBERS}
    session_apps |= {slug: minutes for slug, plans in ALONGSIDE if number % plans == 0}
    custom_apps = drawn[FAMILIES:] or [idle] * SLOTS
    measured = random.random() < 0.9
    latencies = tuple(random.lognormvariate(0.0, 0.3) if used and measured else 0.0 for used in minutes)
    apps = (*(session_apps.get(app.slug, idle) for app in SESSION_APPS), *custom_apps)
    return Usage(minutes, apps, (latencies,))


def _add_capped(left: bytes, right: bytes) -> bytes:
    return bytes(min(a + b, HALF_HOUR) for a, b in zip(left, right, strict=True))


def _find_first_used(minutes: bytes) -> int | None:
    return next((index for index, used in enumerate(minutes) if used), None)
