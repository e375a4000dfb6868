"""Groups of users: one of everyone per organization, and teams."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.templates import Catalog, Organization, mix, uuids
from insights_exporter.demo.population.users import NO_TEMPLATE, User

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


class UserGroup(NamedTuple):
    """A group; `members` are indexes of users, the deleted ones included."""

    id: str
    name: str
    display_name: str
    organization: Organization
    members: Sequence[int]
    source: str


def make_groups(seed: int, users: Sequence[User], catalog: Catalog, count: int) -> tuple[UserGroup, ...]:
    """Return the groups of everyone, then `count` teams, of which the last has three users only."""
    ids = uuids(Random(f"groups {seed}"), count)  # noqa: S311 - sample data need no secrets
    homes = [_user_organizations(user, catalog) for user in users]
    everyone = [
        UserGroup(
            each.id, EVERYONE, "", each, [user for user, home in enumerate(homes) if each in home], "user"
        )
        for each in catalog.organizations
    ]
    members: list[list[int]] = [[] for _ in ids]
    organizations = [catalog.organizations[index % len(TEAMS) == 3] for index in range(count)]
    for user, home in enumerate(homes):
        candidates = [index for index, each in enumerate(organizations) if each in home][:-1]
        for index in _draw_teams(seed, user, candidates):
            members[index].append(user)
    if members:
        members[-1] = list(range(min(LEADS, len(users))))
    teams = [
        UserGroup(id_, *_team_names(index), organization, found, "oidc" if index % 2 else "user")
        for index, (id_, organization, found) in enumerate(zip(ids, organizations, members, strict=True))
    ]
    return (*everyone, *teams)


def _team_names(index: int) -> tuple[str, str]:
    name, display_name = TEAMS[index % len(TEAMS)]
    number = index // len(TEAMS) + 1
    return name if number == 1 else f"{name}-{number}", display_name


def _user_organizations(user: User, catalog: Catalog) -> Sequence[Organization]:
    used = {
        catalog.templates[index].organization.id for index in (user.main, user.other) if index != NO_TEMPLATE
    }
    return [each for index, each in enumerate(catalog.organizations) if index == 0 or each.id in used]


def _draw_teams(seed: int, user: int, teams: Sequence[int]) -> set[int]:
    if not teams or mix(seed, user, 11) % WITHOUT_TEAM == 0:
        return set()
    # The smaller of two draws, so that the first teams are the largest.
    first = min(mix(seed, user, draw) % len(teams) for draw in (12, 13))
    second = mix(seed, user, 14) % len(teams) if mix(seed, user, 15) % IN_TWO_TEAMS == 0 else first
    return {teams[first], teams[second]}
