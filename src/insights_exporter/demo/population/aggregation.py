"""Who was active when, added up as Coder does."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.activity import (
    BOTH,
    PLANS_OF_A_PERSONA,
    Measure,
    active_in,
    all_plans,
    measure,
)
from insights_exporter.demo.population.templates import SESSION_APP_INDEXES, SESSION_APPS
from insights_exporter.demo.population.timeline import Clip, is_free
from insights_exporter.demo.population.users import ALONE, RegionUsers

DAYS_OF_A_WEEK = 7
ON_HOLIDAY = 16
"""The share of 256 of the users who are away in a week."""
PLAN = bytes(number % PLANS_OF_A_PERSONA for number in range(256))
INCIDENTS = (1.0,) * 30 + (1.4, 2.5)
"""What the latencies of a region are multiplied with on a day."""


class Attendance(NamedTuple):
    """Users and, at the same place, the plan of each."""

    users: "array[int]"
    plans: "array[int]"


def attend(seed: int, region: int, crew: RegionUsers, day: int) -> Attendance:
    """Decide who of a region works on a local day (an ordinal), and how."""
    count = len(crew.members)
    dice = Random(f"{seed}/{region}/{day}")  # noqa: S311 - made-up people need no secrets
    away = Random(f"{seed}/{region}/week {day // DAYS_OF_A_WEEK}").randbytes(count)  # noqa: S311
    chance = crew.leisure if is_free(day) else crew.diligence
    there = [
        die < likely and absent >= ON_HOLIDAY and joined <= day < left
        for die, likely, absent, joined, left in zip(
            dice.randbytes(count), chance, away, crew.joined, crew.left, strict=True
        )
    ]
    plans = map(int.__add__, crew.plans, dice.randbytes(count).translate(PLAN))
    return Attendance(array("I", compress(crew.members, there)), array("H", compress(plans, there)))


def slowness(seed: int, region: int, day: int) -> float:
    """Give what the latencies of a region are multiplied with on a day: mostly 1, sometimes an incident."""
    return Random(f"{seed}/{region}/incident {day}").choice(INCIDENTS)  # noqa: S311 - as above


KEPT_SHARES = 65536
UNREGISTERED_EDITOR = SESSION_APP_INDEXES["our_editor"]
Filter = frozenset[int] | None
"""Indexes of the templates that are asked for; None for all."""
Groups = Mapping[tuple[int, tuple[int, int]], list[int]]
"""Users by plan and (main, other) templates."""


@dataclass(slots=True)
class AppTally:
    """Seconds and runs of one app; `templates` is a set of indexes as bits."""

    seconds: int = 0
    runs: int = 0
    templates: int = 0

    def add(self, seconds: int, runs: int, templates: int) -> None:
        """Add what another tally says."""
        self.seconds += seconds
        self.runs += runs
        self.templates |= templates


@dataclass(slots=True)
class Tally:
    """What a span adds up to; `users` and `templates` are sets of indexes as bits.

    `session_apps` are in the order of SESSION_APPS; `unregistered` divides
    the unregistered editor by the number of its name.
    """

    users: int = 0
    templates: int = 0
    session_apps: list[AppTally] = field(default_factory=lambda: [AppTally() for _ in SESSION_APPS])
    unregistered: dict[int, AppTally] = field(default_factory=dict)
    customs: dict[int, AppTally] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Add another span's tally."""
        self.users |= other.users
        self.templates |= other.templates
        for mine, theirs in zip(self.session_apps, other.session_apps, strict=True):
            mine.add(theirs.seconds, theirs.runs, theirs.templates)
        for sums, added in ((self.unregistered, other.unregistered), (self.customs, other.customs)):
            for index, app in added.items():
                sums.setdefault(index, AppTally()).add(app.seconds, app.runs, app.templates)


class Share(NamedTuple):
    """The part of a user's day that counts for a filter."""

    measure: Measure
    parts: tuple[tuple[int, Measure], ...]
    """The templates that were used in it, each with what it alone adds up to."""
    main: int
    """The template whose custom apps were used, ALONE for none."""


@lru_cache(KEPT_SHARES)
def share_of(plan: int, pair: tuple[int, int], clip: Clip, chosen: Filter) -> Share | None:
    """Give what of a plan counts for a user's (main, other) templates; None for nothing."""
    main, other = pair
    if all_plans()[plan].swapped and other != ALONE:
        main, other = other, main
    parts = tuple(
        (template, measured)
        for role, template in enumerate((main, other))
        if template != ALONE and (chosen is None or template in chosen)
        if (measured := measure(plan, role, clip))
    )
    if not parts:
        return None
    together = measure(plan, BOTH, clip) if len(parts) > 1 else None
    return Share(together or parts[0][1], parts, main if parts[0][0] == main else ALONE)


def group(attendance: Attendance, pairs: Sequence[tuple[int, int]]) -> Groups:
    """Gather the users of a day by what decides their numbers: plan and templates."""
    groups: dict[tuple[int, tuple[int, int]], list[int]] = {}
    for user, plan in zip(attendance.users, attendance.plans, strict=True):
        groups.setdefault((plan, pairs[user]), []).append(user)
    return groups


def shares(groups: Groups, clip: Clip, chosen: Filter) -> Iterator[tuple[Share, list[int]]]:
    """Give the shares of a day that count, each with the users who have it."""
    for (plan, pair), users in groups.items():
        share = share_of(plan, pair, clip, chosen)
        if share is not None:
            yield share, users


def present(attendance: Attendance, pairs: Sequence[tuple[int, int]], clip: Clip, size: int) -> int:
    """Give the users who did anything in a part of a day, as bits; `size` is the number of all users."""
    bits = bytearray(size // 8 + 1)
    active = active_in(clip)
    for user, plan in zip(attendance.users, attendance.plans, strict=True):
        if active[plan][pairs[user][1] != ALONE]:
            bits[user >> 3] |= 1 << (user & 7)
    return int.from_bytes(bits, "little")


def tally(
    counted: Iterable[tuple[Share, list[int]]], slots: Sequence[tuple[int, ...]], size: int, names: int = 1
) -> Tally:
    """Add up shares.

    `slots` are the custom apps of each template, `size` is the number of
    users, `names` the number of names of the unregistered editor.
    """
    total = Tally()
    present = bytearray(size // 8 + 1)
    for share, users in counted:
        for user in users:
            present[user >> 3] |= 1 << (user & 7)
        _count_session_apps(total, share, users, names)
        _count_customs(total, share, len(users), slots)
    total.users = int.from_bytes(present, "little")
    return total


def _count_session_apps(total: Tally, share: Share, users: Sequence[int], names: int) -> None:
    for app, spent in share.measure.session_apps:
        total.session_apps[app].seconds += spent * len(users)
        if app == UNREGISTERED_EDITOR:
            _count_unregistered(total, share, spent, Counter(user % names for user in users))
    for template, part in share.parts:
        total.templates |= 1 << template
        for app, _ in part.session_apps:
            total.session_apps[app].templates |= 1 << template


def _count_unregistered(total: Tally, share: Share, spent: int, users: Mapping[int, int]) -> None:
    parts = (template for template, part in share.parts if UNREGISTERED_EDITOR in dict(part.session_apps))
    templates = sum(1 << template for template in parts)
    for name, times in users.items():
        total.unregistered.setdefault(name, AppTally()).add(spent * times, 0, templates)


def _count_customs(total: Tally, share: Share, times: int, slots: Sequence[tuple[int, ...]]) -> None:
    if share.main == ALONE:
        return
    for slot, spent, runs in share.measure.customs:
        if slot < len(slots[share.main]):
            app = total.customs.setdefault(slots[share.main][slot], AppTally())
            app.add(spent * times, runs * times, 1 << share.main)
