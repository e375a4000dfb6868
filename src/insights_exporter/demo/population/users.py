"""The users: their names, their region, when they joined and left, and their groups."""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.activity import PERSONAS, PLANS_PER_PERSONA
from insights_exporter.demo.population.templates import Catalog, Organization, draw_uuids, mix
from insights_exporter.demo.population.timeline import FOUNDED, REGIONS

GROWTH_DAYS = 2000
"""Days over which the later users join."""
NEVER = date.max.toordinal()
DAYS_TO_DORMANCY = 90
NO_TEMPLATE = -1
_NAMES = (
    "ada alan barbara dennis edsger frances grace hedy jean ken leslie radia",
    "adams becker costa dubois evans fischer garcia hoshi iyer jansen kaya lund",
)
_FIRST_NAMES, _LAST_NAMES = (names.split() for names in _NAMES)
_FINAL_STATUSES = ("active",) * 44 + ("dormant",) * 3 + ("suspended",) * 2 + ("deleted",)

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


class User(NamedTuple):
    """A user; days are ordinals, templates indexes of the catalog."""

    id: str
    username: str
    avatar_url: str
    region: int
    main: int
    other: int
    plans: int
    """The first of the day plans that this user follows."""
    workday_probability: int
    """Probability of activity on a working day, of 256."""
    weekend_probability: int
    """Probability of activity on a day off, of 256."""
    latency_ms: float
    """Negative if the agents never report it."""
    joined: int
    left: int
    final_status: str


def make_users(random: Random, count: int, catalog: Catalog) -> tuple[User, ...]:
    """Return `count` users in the order of their ids, which is the order of the API's responses."""
    ids = sorted(draw_uuids(random, count))
    weights = tuple(accumulate(template.weight for template in catalog.templates))
    shares = tuple(accumulate(region.share for region in REGIONS))
    return tuple(_make_user(random, index, id_, weights, shares) for index, id_ in enumerate(ids))


def _make_user(
    random: Random, index: int, id_: str, weights: Sequence[float], shares: Sequence[float]
) -> User:
    region = random.choices(range(len(REGIONS)), cum_weights=shares)[0]
    main, other = random.choices(range(len(weights)), cum_weights=weights, k=2)
    if index == 0:
        other = len(weights) - 1
    joined = FOUNDED if random.random() < 0.6 else FOUNDED + random.randrange(GROWTH_DAYS)
    final_status = _FINAL_STATUSES[random.randrange(len(_FINAL_STATUSES))]
    return User(
        id=id_,
        username=_make_username(index),
        avatar_url=f"https://avatars.example.com/u/{index}" if random.random() < 0.7 else "",
        region=region,
        main=main,
        other=other if other != main else NO_TEMPLATE,
        plans=random.randrange(len(PERSONAS)) * PLANS_PER_PERSONA,
        workday_probability=random.choice((30, 150, 190, 210, 220, 230, 240)),
        weekend_probability=random.choice((0, 0, 4, 12, 60)),
        latency_ms=_draw_latency(random, region),
        joined=joined,
        left=NEVER if final_status == "active" else joined + 120 + random.randrange(GROWTH_DAYS),
        final_status=final_status,
    )


def _make_username(index: int) -> str:
    first = _FIRST_NAMES[index % len(_FIRST_NAMES)]
    last = _LAST_NAMES[index // len(_FIRST_NAMES) % len(_LAST_NAMES)]
    number = index // (len(_FIRST_NAMES) * len(_LAST_NAMES))
    # The name of a deleted user may be used again: one in fifty has a namesake.
    return f"{first}.{last}{number or ''}" if index % 50 != 49 else _make_username(index - 1)


def _draw_latency(random: Random, region: int) -> float:
    latency = REGIONS[region].latency_ms * random.lognormvariate(0.0, REGIONS[region].spread)
    return latency if random.random() < 0.97 else -1.0


def find_status(user: User, day: int) -> str | None:
    """Return the status of a user on a day, None before joining and after deletion."""
    if day < user.joined:
        return None
    if user.final_status == "dormant":
        return "dormant" if day >= user.left + DAYS_TO_DORMANCY else "active"
    if day < user.left:
        return "active"
    return user.final_status if user.final_status != "deleted" else None


class UserGroup(NamedTuple):
    """A group; `members` are indexes of users, the deleted ones included."""

    id: str
    name: str
    display_name: str
    organization: Organization
    members: Sequence[int]


def make_groups(seed: int, users: Sequence[User], catalog: Catalog, count: int) -> tuple[UserGroup, ...]:
    """Return the groups of everyone, then `count` teams, of which the last has three users only."""
    ids = draw_uuids(Random(f"groups {seed}"), count)  # noqa: S311 - sample data need no secrets
    homes = [_list_organizations(user, catalog) for user in users]
    everyone = [
        UserGroup(each.id, EVERYONE, "", each, [user for user, home in enumerate(homes) if each in home])
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
    teams = []
    for index, id_ in enumerate(ids):
        name, display_name = TEAMS[index % len(TEAMS)]
        name += f"-{index // len(TEAMS) + 1}" if index >= len(TEAMS) else ""
        teams.append(UserGroup(id_, name, display_name, organizations[index], members[index]))
    return (*everyone, *teams)


def _list_organizations(user: User, catalog: Catalog) -> Sequence[Organization]:
    """Return the first organization, in which all users are, and those of the user's templates."""
    templates = [catalog.templates[index] for index in (user.main, user.other) if index != NO_TEMPLATE]
    return list(dict.fromkeys((catalog.organizations[0], *(each.organization for each in templates))))


def _draw_teams(seed: int, user: int, teams: Sequence[int]) -> set[int]:
    if not teams or mix(seed, user, 11) % WITHOUT_TEAM == 0:
        return set()
    # The smaller of two draws, so that the first teams are the largest.
    first = min(mix(seed, user, draw) % len(teams) for draw in (12, 13))
    second = mix(seed, user, 14) % len(teams) if mix(seed, user, 15) % IN_TWO_TEAMS == 0 else first
    return {teams[first], teams[second]}
