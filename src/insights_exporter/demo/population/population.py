"""The sample data: users, templates and their activity on any day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from operator import or_
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.activity import all_plans, find_builds
from insights_exporter.demo.population.aggregation import (
    DayActivity,
    Filter,
    Tally,
    UsersByPlan,
    draw_activity,
    draw_latency_factor,
    find_active_users,
    find_shares,
    group_by_plan,
    tally,
)
from insights_exporter.demo.population.templates import PARAMETERS, Catalog, make_catalog, mix
from insights_exporter.demo.population.timeline import REGIONS, WHOLE_DAY, DayPart, Span
from insights_exporter.demo.population.users import (
    NO_TEMPLATE,
    User,
    UserGroup,
    count_statuses,
    group_by_region,
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


@dataclass(slots=True)
class UserTally:
    """The activity of one user in a span: seconds, templates (indexes), latencies in ms, unsorted."""

    seconds: int
    templates: set[int]
    latencies: list[float]


class ParameterTally(NamedTuple):
    """The values of one parameter in a span: workspaces by value, templates (indexes)."""

    values: Counter[str]
    templates: set[int]


class RegionDay(NamedTuple):
    """A part of a local day in one region, of which all totals are made."""

    region: int
    day: int
    part: DayPart


class Population:
    """Users, templates and their activity on any day, all drawn from a seed.

    `count_active` counts the users of a span, `tally` returns its totals, `user_tallies` the
    activity of each user, `parameters` the values of parameters, `statuses` the number of users
    by status on a day. All results are shared: do not change them.

    Only caches are stored, so that whole days are computed once.
    """

    def __init__(
        self,
        seed: int = 1,
        users: int = 200,
        templates: int = 8,
        unregistered_editors: int = 1,
        teams: int = 8,
    ) -> None:
        self.seed = seed
        self.unregistered_editors = unregistered_editors
        self._teams = teams
        random = Random(f"population {seed}")  # noqa: S311 - sample data need no secrets
        self.catalog: Catalog = make_catalog(random, templates)
        self.users: tuple[User, ...] = make_users(random, users, self.catalog)
        self._region_users = group_by_region(self.users)
        self._user_templates = [(user.main, user.other) for user in self.users]
        self.workspaces = Counter(user.main for user in self.users)
        self._slots = [template.apps for template in self.catalog.templates]
        self._activity = lru_cache(CACHED_DAYS)(self._draw_activity)
        self._by_plan = lru_cache(CACHED_GROUPS)(self._group_by_plan)
        self._choices = lru_cache(CACHED_CHOICES)(self._draw_choices)
        self._region_tally = lru_cache(CACHED_TALLIES)(self._compute_region_tally)
        self._day_tally = lru_cache(CACHED_TALLIES)(self._compute_day_tally)
        self.tally = lru_cache(CACHED_SPANS)(self._compute_tally)
        self._active_users = lru_cache(CACHED_DAYS)(self._find_active_users)
        self.count_active = lru_cache(CACHED_DAYS)(self._count_active)
        self.user_tallies = lru_cache(CACHED_REPORTS)(self._compute_user_tallies)
        self.parameters = lru_cache(CACHED_REPORTS)(self._compute_parameters)
        self._builds = lru_cache(CACHED_DAYS)(self._find_builds)
        self._latest_builds = lru_cache(CACHED_REPORTS)(self._find_latest_builds)
        self.statuses = lru_cache(CACHED_DAYS)(self._count_statuses)

    @cached_property
    def groups(self) -> tuple[UserGroup, ...]:
        """The groups of everyone in an organization, then the teams."""
        return make_groups(self.seed, self.users, self.catalog, self._teams)

    def template_filter(self, template_ids: Sequence[str]) -> Filter:
        """Return the filter of requested template ids; none selects all, unknown ones match nothing."""
        if not template_ids:
            return None
        templates = self.catalog.templates
        return frozenset(index for index, each in enumerate(templates) if each.id in template_ids)

    def template_ids(self, bits: int) -> list[str]:
        """Return the ids of a set of templates, sorted as the API does."""
        return sorted(each.id for index, each in enumerate(self.catalog.templates) if bits >> index & 1)

    def _draw_activity(self, region: int, day: int) -> DayActivity:
        return draw_activity(self.seed, region, self._region_users[region], day)

    def _group_by_plan(self, region: int, day: int) -> UsersByPlan:
        return group_by_plan(self._activity(region, day), self._user_templates)

    def _compute_tally(self, span: Span, chosen: Filter) -> Tally:
        total = Tally()
        whole_days = Counter(each.day for each in _region_days(span) if each.part == WHOLE_DAY)
        for each in _region_days(span):
            if each.part != WHOLE_DAY or whole_days[each.day] < len(REGIONS):
                total.add(self._region_tally(each, chosen))
        for day, regions in whole_days.items():
            if regions == len(REGIONS):
                total.add(self._day_tally(day, chosen))
        return total

    def _compute_day_tally(self, day: int, chosen: Filter) -> Tally:
        total = Tally()
        for region in range(len(REGIONS)):
            total.add(self._region_tally(RegionDay(region, day, WHOLE_DAY), chosen))
        return total

    def _compute_region_tally(self, region_day: RegionDay, chosen: Filter) -> Tally:
        shares = find_shares(self._by_plan(region_day.region, region_day.day), region_day.part, chosen)
        return tally(shares, self._slots, len(self.users), self.unregistered_editors)

    def _count_active(self, span: Span) -> int:
        return reduce(or_, map(self._active_users, _region_days(span)), 0).bit_count()

    def _find_active_users(self, region_day: RegionDay) -> int:
        activity = self._activity(region_day.region, region_day.day)
        return find_active_users(activity, self._user_templates, region_day.part, len(self.users))

    def _compute_user_tallies(self, span: Span, chosen: Filter) -> Mapping[int, UserTally]:
        tallies: dict[int, UserTally] = {}
        for each in _region_days(span):
            self._add_users(tallies, each, chosen)
        return dict(sorted(tallies.items()))

    def _add_users(self, tallies: dict[int, UserTally], region_day: RegionDay, chosen: Filter) -> None:
        region, day, part = region_day
        factor = draw_latency_factor(self.seed, region, day)
        for share, users in find_shares(self._by_plan(region, day), part, chosen):
            latencies: Sequence[float] = share.measure.latencies
            if factor != 1.0:
                latencies = [factor * each for each in latencies]
            templates = [template for template, _ in share.parts]
            for user in users:
                total = tallies.get(user)
                if total is None:
                    total = tallies[user] = UserTally(0, set(), [])
                total.seconds += share.measure.seconds
                total.templates.update(templates)
                total.latencies += latencies

    def _compute_parameters(self, span: Span, chosen: Filter) -> Mapping[int, ParameterTally]:
        tallies: dict[int, ParameterTally] = {}
        for (user, template), day in self._latest_builds(span).items():
            if chosen is not None and template not in chosen:
                continue
            values = self._choices(user, template, day // PARAMETER_DAYS)
            for index, value in zip(self.catalog.templates[template].parameters, values, strict=True):
                total = tallies.get(index)
                if total is None:
                    total = tallies[index] = ParameterTally(Counter(), set())
                total.values[value] += 1
                total.templates.add(template)
        return dict(sorted(tallies.items()))

    def _draw_choices(self, user: int, template: int, period: int) -> Sequence[str]:
        return [
            PARAMETERS[index].choose(mix(self.seed, user, template, index, period))
            for index in self.catalog.templates[template].parameters
        ]

    def _find_latest_builds(self, span: Span) -> Mapping[tuple[int, int], int]:
        """Return the day of the latest build by workspace, which is a user and a template."""
        return {workspace: each.day for each in _region_days(span) for workspace in self._builds(each)}

    def _find_builds(self, region_day: RegionDay) -> Sequence[tuple[int, int]]:
        plans, built = all_plans(), find_builds(region_day.part)
        workspaces = []
        activity = self._activity(region_day.region, region_day.day)
        for user, plan in zip(activity.users, activity.plans, strict=True):
            if any(built[plan]):
                templates = self._user_templates[user]
                if plans[plan].is_swapped and templates[1] != NO_TEMPLATE:
                    templates = templates[::-1]
                workspaces += [
                    (user, template)
                    for template, is_built in zip(templates, built[plan], strict=True)
                    if is_built and template != NO_TEMPLATE
                ]
        return workspaces

    def _count_statuses(self, day: int) -> Mapping[str, int]:
        return count_statuses(self.users, day)


@lru_cache(CACHED_SPANS)
def _region_days(span: Span) -> Sequence[RegionDay]:
    return [
        RegionDay(index, day, part) for index, region in enumerate(REGIONS) for day, part in span.days(region)
    ]
