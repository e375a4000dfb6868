"""Where people work: time zones, distances to the server, common holidays."""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

HALF_HOURS_OF_A_DAY = 48
SECONDS_OF_A_HALF_HOUR = 1800
SATURDAY = 5
FOUNDED = date(2022, 1, 3).toordinal()
"""The day of the first users: before it nothing happened."""
HOLIDAYS = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})


@dataclass(frozen=True, slots=True)
class Region:
    """A place with its share of the users and its usual way to the server.

    `latency_ms` is the median of its users' medians, `spread` the sigma of
    their logarithms. Offsets to UTC are whole half hours.
    """

    zone: str
    share: int
    latency_ms: float
    spread: float


REGIONS = (
    Region("America/Los_Angeles", 14, 95.0, 0.35),
    Region("America/New_York", 18, 48.0, 0.35),
    Region("America/Sao_Paulo", 8, 165.0, 0.30),
    Region("Europe/Berlin", 30, 14.0, 0.45),
    Region("Europe/London", 12, 24.0, 0.40),
    Region("Asia/Kolkata", 12, 190.0, 0.35),
    Region("Australia/Sydney", 6, 285.0, 0.25),
)


@cache
def first_half_hour(region: Region, day: int) -> int:
    """Give the half hour, counted in UTC from day 0, with which a local day (an ordinal) begins."""
    noon = datetime.combine(date.fromordinal(day), time(12), ZoneInfo(region.zone))
    offset = noon.utcoffset()
    ahead = 0 if offset is None else int(offset.total_seconds()) // SECONDS_OF_A_HALF_HOUR
    return day * HALF_HOURS_OF_A_DAY - ahead


@cache
def is_free(day: int) -> bool:
    """Tell whether hardly anybody works on a day (an ordinal)."""
    when = date.fromordinal(day)
    return when.weekday() >= SATURDAY or (when.month, when.day) in HOLIDAYS
