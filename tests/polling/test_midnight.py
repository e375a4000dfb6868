"""Midnight: what names a day goes with it, and is back within two minutes with the new numbers."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.datasets.table import FAMILIES
from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.population.spans import span_between
from tests.polling.watching import on_fast_clock, series_of, small_coder, watching

ROLLING = tuple(family.name for family in FAMILIES if family.rolls_over)
DAYS = "coder_insights_daily_active_users"
STARTS = "coder_insights_day_start_timestamp_seconds"
WITH_REQUEST = timedelta(seconds=121)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Night:
    """The pages around a midnight."""

    before: str
    after: str
    later: str
    coder: EmbeddedCoder


def night(midnight: datetime, zone: str) -> Night:
    """Poll from before a midnight until it must be over; page by page."""
    coder = small_coder()

    async def scenario() -> Night:
        async with watching(coder, timezone=zone) as watched:
            pages = list[str]()
            for moment in (midnight - MINUTE, midnight + timedelta(seconds=1), midnight + WITH_REQUEST):
                await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())
                pages.append(watched.page())
            before, after, later = pages
            return Night(before, after, later, coder)

    return on_fast_clock(scenario, midnight - timedelta(minutes=20))


def rolling(page: str) -> set[str]:
    """Name the families on a page that name a day."""
    return {name for name in ROLLING if series_of(page, name)}


def starts(page: str) -> dict[str, datetime]:
    """Give when the days begin that are called today and yesterday."""
    return {
        dict(labels)["day"]: datetime.fromtimestamp(seconds, UTC)
        for labels, seconds in series_of(page, STARTS).items()
    }


def first_instant(day: date, zone: str) -> datetime:
    """Give the first whole minute of a day, looked for one by one."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while moment.astimezone(ZoneInfo(zone)).date() < day:
        moment += MINUTE
    return moment


@pytest.mark.parametrize(
    ("day", "zone"),
    [
        pytest.param(date(2026, 3, 5), "UTC", id="UTC"),
        pytest.param(date(2026, 3, 5), "Asia/Kolkata", id="half an hour beside the hour"),
        pytest.param(date(2026, 3, 5), "Pacific/Kiritimati", id="far east"),
        pytest.param(date(2026, 3, 29), "Europe/Berlin", id="the day clocks go forward"),
        pytest.param(date(2026, 3, 30), "Europe/Berlin", id="after 23 hours"),
        pytest.param(date(2026, 10, 26), "Europe/Berlin", id="after 25 hours"),
        pytest.param(date(2026, 4, 24), "Africa/Cairo", id="a day without a midnight"),
        pytest.param(date(2026, 4, 25), "Africa/Cairo", id="after a day without a midnight"),
        pytest.param(date(2026, 10, 30), "Africa/Cairo", id="23 o'clock came twice"),
        pytest.param(date(2026, 11, 1), "America/Havana", id="a day with two midnights"),
        pytest.param(date(2026, 11, 2), "America/Havana", id="after a day with two midnights"),
        pytest.param(date(2027, 1, 1), "UTC", id="new year"),
        pytest.param(date(2026, 3, 2), "America/Sao_Paulo", id="a Monday"),
        pytest.param(date(2026, 6, 1), "Europe/Berlin", id="a month's first day, a Monday"),
    ],
)
def test_what_names_a_day_ends_with_it(day: date, zone: str) -> None:
    """Withdrawn at the zone's midnight, whatever the clock does there, and back within two minutes."""
    midnight = first_instant(day, zone)
    seen = night(midnight, zone)
    days = [first_instant(day - timedelta(days=back), zone) for back in range(3)]

    assert set(ROLLING) == rolling(seen.before)
    assert set() == rolling(seen.after)
    assert set(ROLLING) == rolling(seen.later)
    assert {"today": days[1], "yesterday": days[2]} == starts(seen.before)
    assert {"today": days[0], "yesterday": days[1]} == starts(seen.later)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_what_names_no_day_stays(zone: str) -> None:
    """Windows slide; their newest number is still the newest there is."""
    seen = night(first_instant(date(2026, 3, 29), zone), zone)
    stay = {"coder_insights_active_users", "coder_insights_app_usage_seconds", "coder_insights_users"}

    assert {name: series_of(seen.before, name) for name in stay} == {
        name: series_of(seen.after, name) for name in stay
    }


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_numbers_are_those_of_the_new_day(zone: str) -> None:
    """What was today so far is now yesterday, as the population knows it, and no request was refused."""
    seen = night(first_instant(date(2026, 3, 26), zone), zone)

    first, after = (first_instant(date(2026, 3, day), zone) for day in (25, 26))
    users = seen.coder.population.active(span_between(first, after, after + MINUTE))

    assert users == series_of(seen.later, DAYS)[("day", "yesterday"),]
    assert series_of(seen.later, DAYS)[("day", "today"),] < users
    assert [] == [request for request in seen.coder.requests if request.status != 200]
