"""Groups of users: one of everyone per organization, and teams."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.templates import Catalog, Organization, mix, uuids
from insights_exporter.demo.population.users import ALONE, Person

EVERYONE = "Everyone"
TEAMS = (
    ("platform", "Platform"),
    ("backend", "Backend"),
    ("frontend", ""),
    ("quantum", "Quantum & Optics"),
    ("data-science", "Data Science"),
    ("security", "Security"),
    ("mobile", ""),
    ("contractors", "Contractors"),
)
LEADS = 3
"""Members of the smallest group: too few to show what they do."""
WITHOUT_TEAM = 7
"""One in so many users is in no team."""
IN_TWO_TEAMS = 3
"""One in so many users is in two teams."""


class Group(NamedTuple):
    """A group; `members` are indexes of users, the deleted ones included."""

    id: str
    name: str
    display_name: str
    organization: Organization
    members: Sequence[int]
    source: str


def make_groups(seed: int, people: Sequence[Person], catalog: Catalog, count: int) -> tuple[Group, ...]:
    """Return the groups of everyone, then `count` teams, of which the last is of three users only."""
    ids = uuids(Random(f"groups {seed}"), count)  # noqa: S311 - sample data need no secrets
    homes = [_organizations(person, catalog) for person in people]
    everyone = tuple(
        Group(each.id, EVERYONE, "", each, [at for at, home in enumerate(homes) if each in home], "user")
        for each in catalog.organizations
    )
    teams = [_team(ids[at], at, catalog) for at in range(count)]
    members: list[list[int]] = [[] for _ in teams]
    for at, home in enumerate(homes):
        for team in _teams_of(seed, at, [place for place, each in enumerate(teams) if each[3] in home][:-1]):
            members[team].append(at)
    if members:
        members[-1] = list(range(min(LEADS, len(people))))
    return (
        *everyone,
        *(
            Group(*team, found, _source(at))
            for at, (team, found) in enumerate(zip(teams, members, strict=True))
        ),
    )


def _team(identifier: str, at: int, catalog: Catalog) -> tuple[str, str, str, Organization]:
    name, display_name = TEAMS[at % len(TEAMS)]
    number = at // len(TEAMS) + 1
    organization = catalog.organizations[at % len(TEAMS) == 3]
    return identifier, name if number == 1 else f"{name}-{number}", display_name, organization


def _source(at: int) -> str:
    return "oidc" if at % 2 else "user"


def _organizations(person: Person, catalog: Catalog) -> Sequence[Organization]:
    used = {catalog.templates[at].organization.id for at in (person.main, person.other) if at != ALONE}
    return [each for at, each in enumerate(catalog.organizations) if at == 0 or each.id in used]


def _teams_of(seed: int, user: int, teams: Sequence[int]) -> set[int]:
    if not teams or mix(seed, user, 11) % WITHOUT_TEAM == 0:
        return set()
    # The smaller of two draws, so that the first teams are the largest.
    first = min(mix(seed, user, draw) % len(teams) for draw in (12, 13))
    second = mix(seed, user, 14) % len(teams) if mix(seed, user, 15) % IN_TWO_TEAMS == 0 else first
    return {teams[first], teams[second]}
