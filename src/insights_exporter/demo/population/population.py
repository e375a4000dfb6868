"""The population as a whole: ask it what happened in a span."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from operator import or_
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.activity import all_plans, builds_in
from insights_exporter.demo.population.aggregation import (
    Attendance,
    Filter,
    Groups,
    Tally,
    attend,
    group,
    present,
    shares,
    slowness,
    tally,
)
from insights_exporter.demo.population.groups import Group, make_groups
from insights_exporter.demo.population.templates import DEFINITIONS, Catalog, make_catalog, mix
from insights_exporter.demo.population.timeline import REGIONS, WHOLE_DAY, Clip, Span
from insights_exporter.demo.population.users import ALONE, Person, count_statuses, make_crews, make_people

DAYS_BETWEEN_MINDS = 45
"""After so many days a user fills in a parameter anew."""
KEPT_DAYS = 4096
KEPT_TALLIES = 16384
KEPT_SPANS = 512
KEPT_CROWDS = 4
KEPT_GROUPS = 16
KEPT_CHOICES = 65536


@dataclass(slots=True)
class UserTally:
    """What one user did in a span: seconds, templates (indexes), latencies in ms, unsorted."""

    seconds: int
    templates: set[int]
    latencies: list[float]


class ParameterTally(NamedTuple):
    """What was chosen for one parameter: workspaces by value, templates (indexes)."""

    values: Counter[str]
    templates: set[int]


class Place(NamedTuple):
    """A part of a local day in one region: what every sum is made of."""

    region: int
    day: int
    clip: Clip


class Population:
    """Users, templates and what they did on any day, all drawn from a seed.

    `active` counts the users of a span, `tally` adds up what they used,
    `users` who did how much, `parameters` what was chosen, `statuses` counts
    users by status on a day. All results are shared: do not change them.

    Nothing is stored that could not be drawn again; what was asked for is
    kept for a while, so that whole days are added up once.
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
        random = Random(f"population {seed}")  # noqa: S311 - made-up people need no secrets
        self.catalog: Catalog = make_catalog(random, templates)
        self.people: tuple[Person, ...] = make_people(random, users, self.catalog)
        self._crews = make_crews(self.people)
        self._pairs = [(person.main, person.other) for person in self.people]
        self.workspaces = Counter(person.main for person in self.people)
        self._slots = [template.apps for template in self.catalog.templates]
        self._attend = lru_cache(KEPT_DAYS)(self._attend_anew)
        self._group = lru_cache(KEPT_GROUPS)(self._group_anew)
        self._choices = lru_cache(KEPT_CHOICES)(self._choices_anew)
        self._tally_place = lru_cache(KEPT_TALLIES)(self._tally_place_anew)
        self._tally_day = lru_cache(KEPT_TALLIES)(self._tally_day_anew)
        self.tally = lru_cache(KEPT_SPANS)(self._tally_anew)
        self._active_place = lru_cache(KEPT_DAYS)(self._active_place_anew)
        self.active = lru_cache(KEPT_DAYS)(self._active_anew)
        self.users = lru_cache(KEPT_CROWDS)(self._users_anew)
        self.parameters = lru_cache(KEPT_CROWDS)(self._parameters_anew)
        self._builds = lru_cache(KEPT_DAYS)(self._builds_anew)
        self._latest_builds = lru_cache(KEPT_CROWDS)(self._latest_builds_anew)
        self.statuses = lru_cache(KEPT_DAYS)(self._statuses_anew)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups of everyone in an organization, then the teams."""
        return make_groups(self.seed, self.people, self.catalog, self._teams)

    def indexes(self, template_ids: Sequence[str]) -> Filter:
        """Give the filter for template ids as requested; none means all, unknown ones match nothing."""
        if not template_ids:
            return None
        return frozenset(at for at, each in enumerate(self.catalog.templates) if each.id in template_ids)

    def template_ids(self, bits: int) -> list[str]:
        """Give the ids of a set of templates, sorted as the API does."""
        return sorted(each.id for at, each in enumerate(self.catalog.templates) if bits >> at & 1)

    def _attend_anew(self, region: int, day: int) -> Attendance:
        return attend(self.seed, region, self._crews[region], day)

    def _group_anew(self, region: int, day: int) -> Groups:
        return group(self._attend(region, day), self._pairs)

    def _tally_place_anew(self, place: Place, chosen: Filter) -> Tally:
        counted = shares(self._group(place.region, place.day), place.clip, chosen)
        return tally(counted, self._slots, len(self.people), self.unregistered_editors)

    def _tally_day_anew(self, day: int, chosen: Filter) -> Tally:
        total = Tally()
        for region in range(len(REGIONS)):
            total.add(self._tally_place_anew(Place(region, day, WHOLE_DAY), chosen))
        return total

    def _tally_anew(self, span: Span, chosen: Filter) -> Tally:
        total = Tally()
        whole: Counter[int] = Counter()
        for place in _places(span):
            if place.clip == WHOLE_DAY:
                whole[place.day] += 1
            else:
                total.add(self._tally_place(place, chosen))
        for day, count in whole.items():
            if count == len(REGIONS):
                total.add(self._tally_day(day, chosen))
        for place in _places(span):
            if place.clip == WHOLE_DAY and whole[place.day] < len(REGIONS):
                total.add(self._tally_place(place, chosen))
        return total

    def _active_place_anew(self, place: Place) -> int:
        attendance = self._attend(place.region, place.day)
        return present(attendance, self._pairs, place.clip, len(self.people))

    def _active_anew(self, span: Span) -> int:
        return reduce(or_, map(self._active_place, _places(span)), 0).bit_count()

    def _users_anew(self, span: Span, chosen: Filter) -> Mapping[int, UserTally]:
        found: dict[int, UserTally] = {}
        for place in _places(span):
            self._add_users(found, place, chosen)
        return dict(sorted(found.items()))

    def _add_users(self, found: dict[int, UserTally], place: Place, chosen: Filter) -> None:
        factor = slowness(self.seed, place.region, place.day)
        groups = self._group(place.region, place.day)
        for share, users in shares(groups, place.clip, chosen):
            latencies: Sequence[float] = share.measure.latencies
            if factor != 1.0:
                latencies = [factor * each for each in latencies]
            templates = [template for template, _ in share.parts]
            for user in users:
                mine = found.get(user)
                if mine is None:
                    mine = found[user] = UserTally(0, set(), [])
                mine.seconds += share.measure.seconds
                mine.templates.update(templates)
                mine.latencies += latencies

    def _parameters_anew(self, span: Span, chosen: Filter) -> Mapping[int, ParameterTally]:
        found: dict[int, ParameterTally] = {}
        for (user, template), day in self._latest_builds(span).items():
            if chosen is None or template in chosen:
                self._add_choices(found, user, template, day)
        return dict(sorted(found.items()))

    def _latest_builds_anew(self, span: Span) -> Mapping[tuple[int, int], int]:
        return {workspace: place.day for place in _places(span) for workspace in self._builds(place)}

    def _add_choices(self, found: dict[int, ParameterTally], user: int, template: int, day: int) -> None:
        values = self._choices(user, template, day // DAYS_BETWEEN_MINDS)
        for index, value in zip(self.catalog.templates[template].parameters, values, strict=True):
            chosen = found.get(index)
            if chosen is None:
                chosen = found[index] = ParameterTally(Counter(), set())
            chosen.values[value] += 1
            chosen.templates.add(template)

    def _choices_anew(self, user: int, template: int, mind: int) -> Sequence[str]:
        return [
            DEFINITIONS[index].choice(mix(self.seed, user, template, index, mind))
            for index in self.catalog.templates[template].parameters
        ]

    def _builds_anew(self, place: Place) -> Sequence[tuple[int, int]]:
        plans, built = all_plans(), builds_in(place.clip)
        workspaces = []
        attendance = self._attend(place.region, place.day)
        for user, plan in zip(attendance.users, attendance.plans, strict=True):
            if any(built[plan]):
                pair = self._pairs[user]
                if plans[plan].swapped and pair[1] != ALONE:
                    pair = pair[::-1]
                new = zip(pair, built[plan], strict=True)
                workspaces += [(user, template) for template, is_new in new if is_new and template != ALONE]
        return workspaces

    def _statuses_anew(self, day: int) -> Mapping[str, int]:
        return count_statuses(self.people, day)


@lru_cache(KEPT_SPANS)
def _places(span: Span) -> Sequence[Place]:
    return [
        Place(index, day, clip) for index, region in enumerate(REGIONS) for day, clip in span.days(region)
    ]
