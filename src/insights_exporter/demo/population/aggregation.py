"""The activity of a day, and its totals as Coder computes them."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.activity import BOTH, PLANS_PER_PERSONA, Measure, all_plans, measure
from insights_exporter.demo.population.templates import SESSION_APPS
from insights_exporter.demo.population.timeline import DayPart, is_day_off
from insights_exporter.demo.population.users import NO_TEMPLATE, User

DAYS_PER_WEEK = 7
ON_HOLIDAY = 16
"""Share of the users, of 256, who are away in a week."""
LATENCY_FACTORS = (1.0,) * 30 + (1.4, 2.5)
"""Factors of the latencies of a region on a day: mostly 1, sometimes an incident."""
CACHED_SHARES = 65536

Templates = tuple[int, int]
"""The main and the other template of a user, as indexes."""
Filter = frozenset[int] | None
"""Indexes of the requested templates; None for all."""
UsersByPlan = Mapping[tuple[int, Templates], list[int]]


class DayActivity(NamedTuple):
    """The active users of a region on a day, and at the same position the plan of each."""

    users: "array[int]"
    plans: "array[int]"


@dataclass(slots=True)
class AppTally:
    """Seconds and runs of one app; `templates` is a set of indexes as bits."""

    seconds: int = 0
    runs: int = 0
    templates: int = 0

    def add(self, seconds: int, runs: int, templates: int) -> None:
        """Add another tally."""
        self.seconds += seconds
        self.runs += runs
        self.templates |= templates


@dataclass(slots=True)
class Tally:
    """The totals of a span; `users` and `templates` are sets of indexes as bits."""

    users: int = 0
    templates: int = 0
    apps: defaultdict[int, AppTally] = field(default_factory=lambda: defaultdict(AppTally))
    """The apps that were used, as indexes of APPS."""

    def add(self, other: "Tally") -> None:
        """Add the tally of another span."""
        self.users |= other.users
        self.templates |= other.templates
        for index, app in other.apps.items():
            self.apps[index].add(app.seconds, app.runs, app.templates)


class Share(NamedTuple):
    """The part of a user's day that counts for a filter."""

    measure: Measure
    parts: tuple[tuple[int, Measure], ...]
    """The templates that were used in it, each with its own totals."""
    main: int
    """The template whose custom apps were used, NO_TEMPLATE for none."""


def draw_activity(
    seed: int, region: int, members: Sequence[int], users: Sequence[User], day: int
) -> DayActivity:
    """Return which members of a region are active on a local day (an ordinal), and their plans."""
    random = Random(f"{seed}/{region}/{day}")  # noqa: S311 - sample data need no secrets
    drawn, plans, absent = (
        random.randbytes(len(members)),
        random.randbytes(len(members)),
        Random(f"{seed}/{region}/week {day // DAYS_PER_WEEK}").randbytes(len(members)),  # noqa: S311
    )
    is_off = is_day_off(day)
    activity = DayActivity(array("I"), array("H"))
    for position, index in enumerate(members):
        user = users[index]
        probability = user.weekend_probability if is_off else user.workday_probability
        is_present = absent[position] >= ON_HOLIDAY and user.joined <= day < user.left
        if is_present and drawn[position] < probability:
            activity.users.append(index)
            activity.plans.append(user.plans + plans[position] % PLANS_PER_PERSONA)
    return activity


def draw_latency_factor(seed: int, region: int, day: int) -> float:
    """Return the factor of the latencies of a region on a day."""
    random = Random(f"{seed}/{region}/incident {day}")  # noqa: S311 - sample data need no secrets
    return random.choice(LATENCY_FACTORS)


def order_templates(plan: int, templates: Templates) -> Templates:
    """Return the main template of a day and the other one."""
    main, other = templates
    return (other, main) if all_plans()[plan].is_swapped and other != NO_TEMPLATE else (main, other)


@lru_cache(CACHED_SHARES)
def find_share(plan: int, templates: Templates, part: DayPart, chosen: Filter) -> Share | None:
    """Return what of a plan counts for a user with these templates, None for nothing."""
    main, other = order_templates(plan, templates)
    parts = tuple(
        (template, measured)
        for role, template in enumerate((main, other))
        if template != NO_TEMPLATE and (chosen is None or template in chosen)
        if (measured := measure(plan, role, part))
    )
    if not parts:
        return None
    together = measure(plan, BOTH, part) if len(parts) > 1 else None
    return Share(together or parts[0][1], parts, main if parts[0][0] == main else NO_TEMPLATE)


def to_bits(users: Iterable[int], size: int) -> int:
    """Return a set of indexes below `size` as bits."""
    bits = bytearray(size // 8 + 1)
    for user in users:
        bits[user >> 3] |= 1 << (user & 7)
    return int.from_bytes(bits, "little")


def tally(shares: Iterable[tuple[Share, list[int]]], slots: Sequence[tuple[int, ...]], size: int) -> Tally:
    """Return the totals of shares.

    `slots` are the custom apps of each template, `size` is the number of users.
    """
    total = Tally()
    active: list[int] = []
    for share, users in shares:
        active += users
        _add_session_apps(total, share, len(users))
        _add_custom_apps(total, share, len(users), slots)
    total.users = to_bits(active, size)
    return total


def _add_session_apps(total: Tally, share: Share, count: int) -> None:
    for app, seconds in share.measure.session_apps:
        total.apps[app].seconds += seconds * count
    for template, part in share.parts:
        total.templates |= 1 << template
        for app, _ in part.session_apps:
            total.apps[app].templates |= 1 << template


def _add_custom_apps(total: Tally, share: Share, count: int, slots: Sequence[tuple[int, ...]]) -> None:
    if share.main == NO_TEMPLATE:
        return
    for slot, seconds, runs in share.measure.custom_apps:
        if slot < len(slots[share.main]):
            app = total.apps[len(SESSION_APPS) + slots[share.main][slot]]
            app.add(seconds * count, runs * count, 1 << share.main)
