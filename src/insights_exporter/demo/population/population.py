"""The sample data: users, templates and their activity on any day."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial, reduce
from operator import or_
from random import Random
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from insights_exporter.demo.population.activity import BOTH, MAIN, all_plans, is_built, measure
from insights_exporter.demo.population.aggregation import (
    DayActivity,
    Filter,
    Share,
    Tally,
    Templates,
    UsersByPlan,
    draw_activity,
    draw_latency_factor,
    find_share,
    order_templates,
    tally,
    to_bits,
)
from insights_exporter.demo.population.templates import PARAMETERS, Catalog, make_catalog, mix
from insights_exporter.demo.population.timeline import REGIONS, DayPart, Span
from insights_exporter.demo.population.users import (
    NO_TEMPLATE,
    User,
    UserGroup,
    find_status,
    make_groups,
    make_users,
)

PARAMETER_DAYS = 45
"""Days after which a user chooses another value of a parameter."""
CACHED_DAYS = 4096
CACHED_TALLIES = 16384
CACHED_SPANS = 512
CACHED_REPORTS = 4
CACHED_GROUPS = 16
CACHED_CHOICES = 65536

P = ParamSpec("P")
R = TypeVar("R")


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
    part: DayPart


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
        self._slots = [template.apps for template in self.catalog.templates]

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

    @cache_method(CACHED_CHOICES)
    def list_template_ids(self, bits: int) -> Sequence[str]:
        """Return the ids of a set of templates, sorted as the API does."""
        return sorted(each.id for index, each in enumerate(self.catalog.templates) if bits >> index & 1)

    @cache_method(CACHED_DAYS)
    def count_statuses(self, day: int) -> Mapping[str, int]:
        """Return the number of users by status on a day."""
        return Counter(filter(None, (find_status(user, day) for user in self.users)))

    @cache_method(CACHED_DAYS)
    def count_active(self, span: Span) -> int:
        """Return the number of users who were active in a span."""
        return reduce(or_, map(self._find_active, _list_region_days(span)), 0).bit_count()

    @cache_method(CACHED_SPANS)
    def tally(self, span: Span, chosen: Filter) -> Tally:
        """Return the totals of a span."""
        total = Tally()
        for each in _list_region_days(span):
            total.add(self._tally_region(each, chosen))
        return total

    @cache_method(CACHED_REPORTS)
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

    @cache_method(CACHED_REPORTS)
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

    @cache_method(CACHED_DAYS)
    def _draw_activity(self, region: int, day: int) -> DayActivity:
        return draw_activity(self.seed, region, self._members[region], self.users, day)

    @cache_method(CACHED_GROUPS)
    def _group_by_plan(self, region: int, day: int) -> UsersByPlan:
        """Return the users of a day by what determines their numbers: plan and templates."""
        groups: defaultdict[tuple[int, Templates], list[int]] = defaultdict(list)
        for user, plan in zip(*self._draw_activity(region, day), strict=True):
            groups[plan, self._user_templates[user]].append(user)
        return groups

    def _find_shares(self, region_day: RegionDay, chosen: Filter) -> Iterator[tuple[Share, list[int]]]:
        """Yield the shares of a part of a day that count, each with its users."""
        region, day, part = region_day
        for (plan, templates), users in self._group_by_plan(region, day).items():
            share = find_share(plan, templates, part, chosen)
            if share is not None:
                yield share, users

    @cache_method(CACHED_TALLIES)
    def _tally_region(self, region_day: RegionDay, chosen: Filter) -> Tally:
        return tally(self._find_shares(region_day, chosen), self._slots, len(self.users))

    @cache_method(CACHED_DAYS)
    def _find_active(self, region_day: RegionDay) -> int:
        """Return the users who were active, as bits."""
        region, day, part = region_day
        users, plans = self._draw_activity(region, day)
        active = (
            user
            for user, plan in zip(users, plans, strict=True)
            if measure(plan, BOTH if self.users[user].other != NO_TEMPLATE else MAIN, part)
        )
        return to_bits(active, len(self.users))

    @cache_method(CACHED_CHOICES)
    def _choose_values(self, user: int, template: int, period: int) -> Sequence[str]:
        return [
            PARAMETERS[index].choose(mix(self.seed, user, template, index, period))
            for index in self.catalog.templates[template].parameters
        ]

    @cache_method(CACHED_REPORTS)
    def _find_latest_builds(self, span: Span) -> Mapping[tuple[int, int], int]:
        """Return the day of the latest build by workspace, which is a user and a template."""
        return {
            workspace: each.day for each in _list_region_days(span) for workspace in self._find_builds(each)
        }

    @cache_method(CACHED_DAYS)
    def _find_builds(self, region_day: RegionDay) -> Sequence[tuple[int, int]]:
        region, day, part = region_day
        users, plans = self._draw_activity(region, day)
        return [
            (user, template)
            for user, plan in zip(users, plans, strict=True)
            for template, half_hour in zip(
                order_templates(plan, self._user_templates[user]), all_plans()[plan].builds, strict=True
            )
            if template != NO_TEMPLATE and is_built(half_hour, part)
        ]


@lru_cache(CACHED_SPANS)
def _list_region_days(span: Span) -> Sequence[RegionDay]:
    return [
        RegionDay(index, day, part) for index, region in enumerate(REGIONS) for day, part in span.days(region)
    ]
