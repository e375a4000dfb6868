"""The sample data: users, templates and their activity on any day, with totals as Coder computes them."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial, reduce
from operator import or_
from random import Random
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from insights_exporter.demo.population.activity import (
    BOTH,
    MAIN,
    PLANS_PER_PERSONA,
    Measure,
    is_built,
    make_plans,
    measure,
)
from insights_exporter.demo.population.templates import PARAMETERS, SESSION_APPS, Catalog, make_catalog, mix
from insights_exporter.demo.population.timeline import REGIONS, Span, is_day_off
from insights_exporter.demo.population.users import (
    NO_TEMPLATE,
    User,
    UserGroup,
    find_status,
    make_groups,
    make_users,
)

DAYS_PER_WEEK = 7
ON_HOLIDAY = 16
"""Share of the users, of 256, who are away in a week."""
LATENCY_FACTORS = (1.0,) * 30 + (1.4, 2.5)
"""Factors of the latencies of a region on a day: mostly 1, sometimes an incident."""
PARAMETER_DAYS = 45
"""Days after which a user chooses another value of a parameter."""

Templates = tuple[int, int]
"""The main and the other template of a user, as indexes."""
Filter = frozenset[int] | None
"""Indexes of the requested templates; None for all."""
P = ParamSpec("P")
R = TypeVar("R")


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


@dataclass(slots=True)
class UserTally:
    """The activity of one user in a span: seconds, templates (indexes as bits), latencies in ms, unsorted."""

    seconds: int = 0
    templates: int = 0
    latencies: list[float] = field(default_factory=list)


@dataclass(slots=True)
class ParameterTally:
    """The values of one parameter in a span: workspaces by value, templates (indexes as bits)."""

    values: Counter[str] = field(default_factory=Counter)
    templates: int = 0


class RegionDay(NamedTuple):
    """A part of a local day in one region, of which all totals are made."""

    region: int
    day: int
    part: Span


def cache_method(
    size: int,
) -> Callable[[Callable[Concatenate["Population", P], R]], "cached_property[Callable[P, R]]"]:
    """Return a decorator that caches the results of a method for each population."""

    def bind(method: Callable[Concatenate["Population", P], R], population: "Population") -> Callable[P, R]:
        return cast("Callable[P, R]", lru_cache(size)(partial(method, population)))

    return lambda method: cached_property(partial(bind, method))


class Population:
    """Users, templates and their activity on any day, all drawn from a seed.

    Results are shared: do not change them. Only caches are stored, so that whole days are computed once.
    """

    def __init__(self, seed: int = 1, users: int = 200, templates: int = 8, teams: int = 8) -> None:
        self.seed = seed
        self._teams = teams
        random = Random(f"population {seed}")  # noqa: S311 - sample data need no secrets
        self.catalog: Catalog = make_catalog(random, templates)
        self.users: tuple[User, ...] = make_users(random, users, self.catalog)
        self._members: list[list[int]] = [[] for _ in REGIONS]
        for index, user in enumerate(self.users):
            self._members[user.region].append(index)
        self._user_templates = [(user.main, user.other) for user in self.users]

    @cached_property
    def groups(self) -> tuple[UserGroup, ...]:
        """The groups of everyone in an organization, then the teams."""
        return make_groups(self.seed, self.users, self.catalog, self._teams)

    def find_templates(self, template_ids: Sequence[str]) -> Filter:
        """Return the filter of requested template ids; none selects all, unknown ones match nothing."""
        if not template_ids:
            return None
        templates = self.catalog.templates
        return frozenset(index for index, each in enumerate(templates) if each.id in template_ids)

    @cache_method(65536)
    def list_template_ids(self, bits: int) -> Sequence[str]:
        """Return the ids of a set of templates, sorted as the API does."""
        return sorted(each.id for index, each in enumerate(self.catalog.templates) if bits >> index & 1)

    @cache_method(4096)
    def count_statuses(self, day: int) -> Mapping[str, int]:
        """Return the number of users by status on a day."""
        return Counter(filter(None, (find_status(user, day) for user in self.users)))

    @cache_method(4096)
    def count_active(self, span: Span) -> int:
        """Return the number of users who were active in a span."""
        return reduce(or_, map(self._find_active, _list_region_days(span)), 0).bit_count()

    @cache_method(512)
    def tally(self, span: Span, chosen: Filter) -> Tally:
        """Return the totals of a span."""
        total = Tally()
        for each in _list_region_days(span):
            total.add(self._tally_region(each, chosen))
        return total

    @cache_method(4)
    def tally_users(self, span: Span, chosen: Filter) -> Mapping[int, UserTally]:
        """Return the activity of each user in a span, by index."""
        tallies: defaultdict[int, UserTally] = defaultdict(UserTally)
        for each in _list_region_days(span):
            factor = draw_latency_factor(self.seed, each.region, each.day)
            for share, users in self._find_shares(each, chosen):
                latencies = [factor * latency for latency in share.measure.latencies]
                templates = sum(1 << template for template, _ in share.parts)
                for user in users:
                    total = tallies[user]
                    total.seconds += share.measure.seconds
                    total.templates |= templates
                    total.latencies += latencies
        return dict(sorted(tallies.items()))

    @cache_method(4)
    def tally_parameters(self, span: Span, chosen: Filter) -> Mapping[int, ParameterTally]:
        """Return the values of each parameter in a span, by index."""
        tallies: defaultdict[int, ParameterTally] = defaultdict(ParameterTally)
        for (user, template), day in self._find_latest_builds(span).items():
            if chosen is not None and template not in chosen:
                continue
            values = self._choose_values(user, template, day // PARAMETER_DAYS)
            for index, value in zip(self.catalog.templates[template].parameters, values, strict=True):
                tallies[index].values[value] += 1
                tallies[index].templates |= 1 << template
        return dict(sorted(tallies.items()))

    @cache_method(4096)
    def draw_activity(self, region: int, day: int) -> DayActivity:
        """Return which users of a region are active on a local day (an ordinal), and their plans."""
        members = self._members[region]
        random = Random(f"{self.seed}/{region}/{day}")  # noqa: S311 - sample data need no secrets
        drawn, plans = random.randbytes(len(members)), random.randbytes(len(members))
        week = Random(f"{self.seed}/{region}/week {day // DAYS_PER_WEEK}")  # noqa: S311 - the same
        absent, is_off = week.randbytes(len(members)), is_day_off(day)
        activity = DayActivity(array("I"), array("H"))
        for position, index in enumerate(members):
            user = self.users[index]
            probability = user.weekend_probability if is_off else user.workday_probability
            is_present = absent[position] >= ON_HOLIDAY and user.joined <= day < user.left
            if is_present and drawn[position] < probability:
                activity.users.append(index)
                activity.plans.append(user.plans + plans[position] % PLANS_PER_PERSONA)
        return activity

    @cache_method(16)
    def _group_by_plan(self, region: int, day: int) -> Mapping[tuple[int, Templates], list[int]]:
        """Return the users of a day by what determines their numbers: plan and templates."""
        groups: defaultdict[tuple[int, Templates], list[int]] = defaultdict(list)
        for user, plan in zip(*self.draw_activity(region, day), strict=True):
            groups[plan, self._user_templates[user]].append(user)
        return groups

    def _find_shares(self, region_day: RegionDay, chosen: Filter) -> Iterator[tuple[Share, list[int]]]:
        """Yield the shares of a part of a day that count, each with its users."""
        region, day, part = region_day
        for (plan, templates), users in self._group_by_plan(region, day).items():
            share = _find_share(plan, templates, part, chosen)
            if share is not None:
                yield share, users

    @cache_method(16384)
    def _tally_region(self, region_day: RegionDay, chosen: Filter) -> Tally:
        total = Tally()
        active: list[int] = []
        for share, users in self._find_shares(region_day, chosen):
            active += users
            for index, seconds in share.measure.session_apps:
                total.apps[index].seconds += seconds * len(users)
            for template, part in share.parts:
                total.templates |= 1 << template
                for index, _ in part.session_apps:
                    total.apps[index].templates |= 1 << template
            slots = () if share.main == NO_TEMPLATE else self.catalog.templates[share.main].apps
            for slot, seconds, runs in share.measure.custom_apps:
                if slot < len(slots):
                    app = total.apps[len(SESSION_APPS) + slots[slot]]
                    app.add(seconds * len(users), runs * len(users), 1 << share.main)
        total.users = _to_bits(active, len(self.users))
        return total

    @cache_method(4096)
    def _find_active(self, region_day: RegionDay) -> int:
        """Return the users who were active, as bits."""
        region, day, part = region_day
        users, plans = self.draw_activity(region, day)
        active = (
            user
            for user, plan in zip(users, plans, strict=True)
            if measure(plan, BOTH if self.users[user].other != NO_TEMPLATE else MAIN, part)
        )
        return _to_bits(active, len(self.users))

    @cache_method(65536)
    def _choose_values(self, user: int, template: int, period: int) -> Sequence[str]:
        return [
            PARAMETERS[index].choose(mix(self.seed, user, template, index, period))
            for index in self.catalog.templates[template].parameters
        ]

    @cache_method(4)
    def _find_latest_builds(self, span: Span) -> Mapping[tuple[int, int], int]:
        """Return the day of the latest build by workspace, which is a user and a template."""
        return {
            workspace: each.day for each in _list_region_days(span) for workspace in self._find_builds(each)
        }

    @cache_method(4096)
    def _find_builds(self, region_day: RegionDay) -> Sequence[tuple[int, int]]:
        region, day, part = region_day
        users, plans = self.draw_activity(region, day)
        return [
            (user, template)
            for user, plan in zip(users, plans, strict=True)
            for template, half_hour in zip(
                _order_templates(plan, self._user_templates[user]), make_plans()[plan].builds, strict=True
            )
            if template != NO_TEMPLATE and is_built(half_hour, part)
        ]


@lru_cache(512)
def _list_region_days(span: Span) -> Sequence[RegionDay]:
    return [
        RegionDay(index, day, part)
        for index, region in enumerate(REGIONS)
        for day, part in span.split_by_day(region)
    ]


def draw_latency_factor(seed: int, region: int, day: int) -> float:
    """Return the factor of the latencies of a region on a day."""
    random = Random(f"{seed}/{region}/incident {day}")  # noqa: S311 - sample data need no secrets
    return random.choice(LATENCY_FACTORS)


def _order_templates(plan: int, templates: Templates) -> Templates:
    """Return the main template of a day and the other one."""
    main, other = templates
    return (other, main) if make_plans()[plan].is_swapped and other != NO_TEMPLATE else (main, other)


@lru_cache(65536)
def _find_share(plan: int, templates: Templates, part: Span, chosen: Filter) -> Share | None:
    """Return what of a plan counts for a user with these templates, None for nothing."""
    main, other = _order_templates(plan, templates)
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


def _to_bits(users: Iterable[int], size: int) -> int:
    """Return a set of indexes below `size` as bits."""
    bits = bytearray(size // 8 + 1)
    for user in users:
        bits[user >> 3] |= 1 << (user & 7)
    return int.from_bytes(bits, "little")
