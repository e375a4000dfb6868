"""The users: who they are, where they sit, when they came and went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.activity import PERSONAS, PLANS_OF_A_PERSONA
from insights_exporter.demo.population.templates import Catalog, uuids
from insights_exporter.demo.population.timeline import FOUNDED, REGIONS

YEARS_OF_GROWTH = 2000
"""Days over which the later users join."""
NEVER = date.max.toordinal()
DAYS_TO_DORMANCY = 90
ALONE = -1
NAMES = (
    "ada alan barbara dennis edsger frances grace hedy jean ken leslie radia",
    "adams becker costa dubois evans fischer garcia hoshi iyer jansen kaya lund",
)
FIRST_NAMES, LAST_NAMES = (names.split() for names in NAMES)
FATES = ("active",) * 44 + ("dormant",) * 3 + ("suspended",) * 2 + ("deleted",)


class Person(NamedTuple):
    """A user; days are ordinals, templates indexes of the catalog."""

    id: str
    username: str
    avatar_url: str
    region: int
    main: int
    other: int
    plans: int
    """The first of the day plans that this person follows."""
    diligence: int
    """How likely a working day is, of 256."""
    leisure: int
    """How likely work on a free day is, of 256."""
    latency_ms: float
    """Negative where the agents never tell."""
    joined: int
    left: int
    fate: str


@dataclass(frozen=True, slots=True)
class RegionUsers:
    """The users of one region as columns, which is how a day is decided fast."""

    members: Sequence[int]
    diligence: bytes
    leisure: bytes
    joined: Sequence[int]
    left: Sequence[int]
    plans: Sequence[int]


def make_people(random: Random, count: int, catalog: Catalog) -> tuple[Person, ...]:
    """Make `count` users in the order of their ids, which is the order of the API's answers."""
    identifiers = sorted(uuids(random, count))
    weights = tuple(accumulate(template.weight for template in catalog.templates))
    shares = tuple(accumulate(region.share for region in REGIONS))
    return tuple(
        _person(random, at, identifier, (weights, shares)) for at, identifier in enumerate(identifiers)
    )


def make_crews(people: Sequence[Person]) -> tuple[RegionUsers, ...]:
    """Give the users of each region as columns."""
    return tuple(_crew(people, region) for region in range(len(REGIONS)))


def status_of(person: Person, day: int) -> str | None:
    """Give the status of a user on a day; None before joining and after deletion."""
    if day < person.joined:
        return None
    if person.fate == "dormant":
        return "dormant" if day >= person.left + DAYS_TO_DORMANCY else "active"
    if day < person.left:
        return "active"
    return person.fate if person.fate != "deleted" else None


def _person(
    random: Random, at: int, identifier: str, weights: tuple[Sequence[float], Sequence[float]]
) -> Person:
    region = random.choices(range(len(REGIONS)), cum_weights=weights[1])[0]
    main, other = random.choices(range(len(weights[0])), cum_weights=weights[0], k=2)
    if at == 0:
        other = len(weights[0]) - 1
    joined = FOUNDED if random.random() < 0.6 else FOUNDED + random.randrange(YEARS_OF_GROWTH)
    fate = FATES[random.randrange(len(FATES))]
    return Person(
        id=identifier,
        username=_username(at),
        avatar_url=f"https://avatars.example.com/u/{at}" if random.random() < 0.7 else "",
        region=region,
        main=main,
        other=other if other != main else ALONE,
        plans=random.randrange(len(PERSONAS)) * PLANS_OF_A_PERSONA,
        diligence=random.choice((30, 150, 190, 210, 220, 230, 240)),
        leisure=random.choice((0, 0, 4, 12, 60)),
        latency_ms=_latency(random, region),
        joined=joined,
        left=NEVER if fate == "active" else joined + 120 + random.randrange(YEARS_OF_GROWTH),
        fate=fate,
    )


def _username(at: int) -> str:
    first = FIRST_NAMES[at % len(FIRST_NAMES)]
    last = LAST_NAMES[at // len(FIRST_NAMES) % len(LAST_NAMES)]
    number = at // (len(FIRST_NAMES) * len(LAST_NAMES))
    # The name of a deleted user may be taken again: one in fifty has a namesake.
    return f"{first}.{last}{number or ''}" if at % 50 != 49 else _username(at - 1)


def _latency(random: Random, region: int) -> float:
    place = REGIONS[region]
    measured = place.latency_ms * random.lognormvariate(0.0, place.spread)
    return measured if random.random() < 0.97 else -1.0


def _crew(people: Sequence[Person], region: int) -> RegionUsers:
    members = [at for at, person in enumerate(people) if person.region == region]
    crew = [people[at] for at in members]
    return RegionUsers(
        members,
        bytes(person.diligence for person in crew),
        bytes(person.leisure for person in crew),
        [person.joined for person in crew],
        [person.left for person in crew],
        [person.plans for person in crew],
    )


def count_statuses(people: Sequence[Person], day: int) -> Mapping[str, int]:
    """Count the users by status on a day."""
    counts: dict[str, int] = {}
    for person in people:
        status = status_of(person, day)
        if status:
            counts[status] = counts.get(status, 0) + 1
    return counts
