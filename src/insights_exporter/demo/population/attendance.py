"""Who works on which day, and by which plan: a function of seed, region and day alone."""

from array import array
from itertools import compress
from random import Random
from typing import NamedTuple

from insights_exporter.demo.population.people import Crew
from insights_exporter.demo.population.plans import PLANS_OF_A_PERSONA
from insights_exporter.demo.population.regions import is_free

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


def attend(seed: int, region: int, crew: Crew, day: int) -> Attendance:
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
