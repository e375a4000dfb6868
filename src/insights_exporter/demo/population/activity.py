"""Day plans: what one user may do on one day, half hour by half hour.

The plans are the same for every population; who follows which plan on which
day is what the seed decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.templates import SESSION_APPS
from insights_exporter.demo.population.timeline import HALF_HOUR, HALF_HOURS_OF_A_DAY, ROLL_UP, Clip

FAMILIES = 4
"""The session apps that personas differ in: the first of SESSION_APPS, each for its whole family."""
SLOTS = 3
PLANS_OF_A_PERSONA = 64
# How likely an app is to be used on a day, by persona: the families, then the slots.
PERSONAS: Sequence[tuple[float, ...]] = (
    (0.95, 0.02, 0.30, 0.25, 0.30, 0.05, 0.10),
    (0.10, 0.95, 0.20, 0.35, 0.10, 0.15, 0.05),
    (0.20, 0.00, 0.35, 0.95, 0.05, 0.05, 0.20),
    (0.05, 0.02, 0.55, 0.05, 0.80, 0.60, 0.30),
)
MEMBERS = (
    ("vscode", ("vscode", "cursor", "vscode", "windsurf", "vscode", "cursor", "code_server")),
    ("ssh", ("ssh", "ssh", "zed")),
)
"""Which app of a family is used, one plan after the other."""
ALONGSIDE = (("our_editor", 5), ("unknown", 23), ("overflow", 31))
"""Apps of no family that are open all day, each in one of so many plans."""
BOTH = 2
KEPT_MEASURES = 65536
KEPT_CLIPS = 512


@dataclass(frozen=True, slots=True)
class Usage:
    """What happened in the workspaces of one template, a byte of minutes for each half hour.

    `apps` are in the order of SESSION_APPS and the slots. `latencies` holds
    the latency of each half hour relative to the user's own, 0 where none
    was measured; two rows where two templates were used.
    """

    minutes: bytes
    apps: tuple[bytes, ...]
    latencies: tuple[tuple[float, ...], ...]


class Measure(NamedTuple):
    """What a part of a plan adds up to.

    `session_apps` are (index, seconds), `customs` (slot, seconds, runs), both without unused apps.
    """

    seconds: int
    session_apps: tuple[tuple[int, int], ...]
    customs: tuple[tuple[int, int, int], ...]
    latencies: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A day: the usage of the main template, of the other one, and of both together.

    With `swapped` the day is spent in the other template. `builds` are the
    half hours in which the two workspaces are built anew, if they are.
    """

    roles: tuple[Usage, Usage, Usage]
    swapped: bool
    builds: tuple[int | None, int | None]


@cache
def all_plans() -> tuple[Plan, ...]:
    """Give the plans of all personas, PLANS_OF_A_PERSONA each."""
    random = Random("day plans")  # noqa: S311 - made-up people need no secrets
    personas = (persona for persona in PERSONAS for _ in range(PLANS_OF_A_PERSONA))
    return tuple(_plan(random, number, persona) for number, persona in enumerate(personas))


@lru_cache(KEPT_MEASURES)
def measure(plan: int, role: int, clip: Clip) -> Measure | None:
    """Measure a part of a plan in one of its three roles; None where nothing happened."""
    return _measure(all_plans()[plan].roles[role], clip)


@lru_cache(KEPT_CLIPS)
def active_in(clip: Clip) -> tuple[tuple[bool, bool], ...]:
    """Tell for every plan whether a part of the day sees any use: of the main template, of either."""
    return tuple(
        (measure(plan, 0, clip) is not None, measure(plan, BOTH, clip) is not None)
        for plan in range(len(all_plans()))
    )


@lru_cache(KEPT_CLIPS)
def builds_in(clip: Clip) -> tuple[tuple[bool, bool], ...]:
    """Tell for every plan which of its two workspaces is built in a part of the day."""
    return tuple((_is_built(plan.builds[0], clip), _is_built(plan.builds[1], clip)) for plan in all_plans())


def _is_built(half_hour: int | None, clip: Clip) -> bool:
    if half_hour is None:
        return False
    return clip.first <= half_hour < clip.after or (half_hour == clip.after and clip.minutes >= ROLL_UP)


def _measure(usage: Usage, clip: Clip) -> Measure | None:
    minutes = _clipped(usage.minutes, clip)
    if not any(minutes):
        return None
    apps = [(at, _clipped(app, clip)) for at, app in enumerate(usage.apps)]
    used = [(at, sum(app) * 60, app) for at, app in apps if any(app)]
    latencies = tuple(
        row[at] for row in usage.latencies for at, used in enumerate(minutes, clip.first) if used and row[at]
    )
    return Measure(
        sum(minutes) * 60,
        tuple((at, seconds) for at, seconds, _ in used if at < len(SESSION_APPS)),
        tuple(
            (at - len(SESSION_APPS), seconds, _runs(app))
            for at, seconds, app in used
            if at >= len(SESSION_APPS)
        ),
        tuple(sorted(latencies)),
    )


def _clipped(minutes: bytes, clip: Clip) -> bytes:
    whole = minutes[clip.first : clip.after]
    return whole + bytes((min(minutes[clip.after], clip.minutes),)) if clip.minutes else whole


def _runs(minutes: bytes) -> int:
    return sum(1 for before, here in zip(b"\0" + minutes, minutes, strict=False) if here and not before)


def _plan(random: Random, number: int, persona: Sequence[float]) -> Plan:
    main = _working_day(random)
    other = _side_job(random, main)
    roles = (_usage(random, number, main, persona), _usage(random, number, other, persona[:FAMILIES]))
    builds = [_first(minutes) if random.random() < 0.25 else None for minutes in (main, other)]
    return Plan((*roles, _together(*roles)), random.random() < 0.15, (builds[0], builds[1]))


def _working_day(random: Random) -> bytes:
    day = bytearray(HALF_HOURS_OF_A_DAY)
    start = min(max(round(random.gauss(18, 2)), 12), 26)
    length = random.choice((2, 4, 9, 12, 14, 16, 16, 17, 18, 20))
    for at in range(start, min(start + length, 46)):
        day[at] = HALF_HOUR if random.random() < 0.7 else random.randint(3, HALF_HOUR)
    if length > 8:  # who works more than four hours has lunch
        day[random.randint(23, 26)] = 0
    return bytes(day)


def _side_job(random: Random, main: bytes) -> bytes:
    day = bytearray(HALF_HOURS_OF_A_DAY)
    if random.random() < 0.4:
        start = _first(main) or 0
        begin = start + random.randint(0, 8)
        for at in range(begin, begin + random.randint(1, 6)):
            day[at] = random.randint(4, HALF_HOUR)
    return bytes(day)


def _usage(random: Random, number: int, minutes: bytes, persona: Sequence[float]) -> Usage:
    idle = bytes(len(minutes))
    drawn = [_app(random, minutes) if random.random() < chance else idle for chance in persona]
    apps = _session_apps(number, minutes, drawn[:FAMILIES]) + (drawn[FAMILIES:] or [idle] * SLOTS)
    measured = random.random() < 0.9
    latencies = tuple(random.lognormvariate(0.0, 0.3) if used and measured else 0.0 for used in minutes)
    return Usage(minutes, tuple(apps), (latencies,))


def _session_apps(number: int, minutes: bytes, families: Sequence[bytes]) -> list[bytes]:
    """Return the minutes of each of SESSION_APPS: those of a family go to one of its apps."""
    used = dict(zip((app.slug for app in SESSION_APPS), families, strict=False))
    used |= {members[number % len(members)]: used.pop(family) for family, members in MEMBERS}
    used |= {slug: minutes for slug, plans in ALONGSIDE if number % plans == 0}
    return [used.get(app.slug, bytes(len(minutes))) for app in SESSION_APPS]


def _app(random: Random, minutes: bytes) -> bytes:
    share = random.choice((0.25, 0.6, 1.0, 1.0))
    return bytes(used if random.random() < share else 0 for used in minutes)


def _together(main: Usage, other: Usage) -> Usage:
    apps = tuple(map(_capped, main.apps, other.apps))
    return Usage(_capped(main.minutes, other.minutes), apps, main.latencies + other.latencies)


def _capped(left: bytes, right: bytes) -> bytes:
    return bytes(min(a + b, HALF_HOUR) for a, b in zip(left, right, strict=True))


def _first(minutes: bytes) -> int | None:
    return next((at for at, used in enumerate(minutes) if used), None)
