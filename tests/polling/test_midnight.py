"""Midnight: series that name a day expire, and are back within two minutes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product
from zoneinfo import ZoneInfo

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.datasets.summary import PollSummary
from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.population.timeline import build_span
from insights_exporter.demo.server import create_app
from tests.polling.polled_deployment import (
    Labels,
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

ROLLING = tuple(family.name for family in list_data_families(DATASETS) if family.expires_at_midnight)
TEMPLATE_DAYS = "coder_insights_template_daily_active_users"
DAYS = "coder_insights_daily_active_users"
STARTS = "coder_insights_day_start_timestamp_seconds"
BEGINS = "coder_insights_window_start_timestamp_seconds"
NAMES = "coder_insights_app_info"
UNUSED = "coder_insights_template_active_users"
"""What is exposed for an unused template, as for all in the first minutes of a day."""
TODAY = ("window", "today")
OF_ONE_DAY = tuple(
    product(("templates", "template-breakdown", "user-activity", "user-latency"), ("today", "eve"))
)
ONE_DAY: Mapping[str, object] = {
    "windows": ["today", {"name": "eve", "days": 1, "include_today": False, "every": "1h"}],
    "templates": {"windows": ["today", "eve"], "users": True},
    "users": {"windows": ["today", "eve"]},
    "parameters": {"windows": ["today", "eve"]},
}
"""Windows of one day alone, with all that can be shown of them."""
WITH_REQUEST = timedelta(seconds=121)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NightPoll:
    """The pages around a midnight."""

    before: str
    after: str
    later: str
    coder: EmbeddedCoder
    has_summary: tuple[bool, ...] = ()
    """Whether the status page shows windows of one day, for each page."""


def poll_over_midnight(midnight: datetime, zone: str, **config: object) -> NightPoll:
    """Poll around a midnight; return the pages before it, at it and two minutes later."""
    coder = create_small_coder()

    async def scenario() -> NightPoll:
        async with poll_deployment(coder, timezone=zone, **config) as polled:
            pages, has_summary = list[str](), list[bool]()
            for moment in (midnight - MINUTE, midnight + timedelta(seconds=1), midnight + WITH_REQUEST):
                await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())
                pages.append(polled.page())
                has_summary.append(
                    any(polled.poller.get_summary(*job) != PollSummary() for job in OF_ONE_DAY)
                )
            before, after, later = pages
            return NightPoll(before, after, later, coder, tuple(has_summary))

    return run_on_fast_clock(scenario, midnight - timedelta(minutes=20))


def day_families(page: str) -> set[str]:
    """Return the exposed families that name a day."""
    return {name for name in ROLLING if parse_series(page, name)}


def starts(page: str) -> dict[str, datetime]:
    """Return the starts of the days called today and yesterday."""
    return {
        dict(labels)["day"]: datetime.fromtimestamp(seconds, UTC)
        for labels, seconds in parse_series(page, STARTS).items()
    }


def first_instant(day: date, zone: str) -> datetime:
    """Return the first whole minute of a day, found by trying each minute."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    while moment.astimezone(ZoneInfo(zone)).date() < day:
        moment += MINUTE
    return moment


def compute_expected(day: date, zone: str) -> set[str]:
    """Return the families that name a day; those of templates only if all days of the week have 24 hours."""
    starts = [first_instant(day - timedelta(days=back), zone) for back in range(7)]
    whole = all(later - earlier == timedelta(days=1) for later, earlier in pairwise(starts))
    return {name for name in ROLLING if whole or name != TEMPLATE_DAYS}


@pytest.mark.parametrize(
    ("day", "zone"),
    [
        pytest.param(date(2026, 3, 5), "UTC", id="UTC"),
        pytest.param(date(2026, 3, 5), "Asia/Kolkata", id="an offset of half an hour"),
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
def test_series_of_a_day_expire_at_midnight(day: date, zone: str) -> None:
    """Families that name a day expire at the zone's midnight, across clock changes, and return soon."""
    midnight = first_instant(day, zone)
    seen = poll_over_midnight(midnight, zone)
    days = [first_instant(day - timedelta(days=back), zone) for back in range(3)]

    assert compute_expected(day - timedelta(days=1), zone) == day_families(seen.before)
    assert set() == day_families(seen.after)
    assert compute_expected(day, zone) == day_families(seen.later)
    assert {"today": days[1], "yesterday": days[2]} == starts(seen.before)
    assert {"today": days[0], "yesterday": days[1]} == starts(seen.later)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_series_of_several_days_stay(zone: str) -> None:
    """Windows of several days are exposed unchanged over midnight."""
    seen = poll_over_midnight(first_instant(date(2026, 3, 29), zone), zone)

    assert several_days(seen.before)
    assert several_days(seen.before) == several_days(seen.after)


def several_days(page: str) -> dict[tuple[str, Labels], float]:
    """Return the series of windows of several days, and those without a window."""
    names = {"coder_insights_active_users", "coder_insights_app_usage_seconds", "coder_insights_users", NAMES}
    return {
        (name, labels): value
        for name in names
        for labels, value in parse_series(page, name).items()
        if TODAY not in labels
    }


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo"])
def test_window_of_one_day_expires_at_midnight(zone: str) -> None:
    """All series of the window expire with its names of apps and its summary, and return soon."""
    midnight = first_instant(date(2026, 3, 5), zone)
    seen = poll_over_midnight(midnight, zone, **ONE_DAY)
    day = timedelta(days=1)
    with_window = {name for name in OF_ONE_DAY if name[0] != "template-breakdown"}

    assert with_window == windows_begin(seen.before).keys()
    assert {} == windows_begin(seen.after)
    assert {name: midnight - day * (name[1] == "eve") for name in with_window} == windows_begin(seen.later)
    assert {0.0} == {value for labels, value in parse_series(seen.later, UNUSED).items() if TODAY in labels}
    assert (True, False, True) == seen.has_summary
    assert list_one_day_windows(seen.before) == list_one_day_windows(seen.later)
    assert set() == list_one_day_windows(seen.after)


def windows_begin(page: str) -> dict[tuple[str, str], datetime]:
    """Return the starts of the windows, by dataset and window."""
    return {
        (dict(labels)["dataset"], dict(labels)["window"]): datetime.fromtimestamp(seconds, UTC)
        for labels, seconds in parse_series(page, BEGINS).items()
    }


def list_one_day_windows(page: str) -> set[str]:
    """Return the families of Coder with a window label, and the names of apps."""
    return {
        sample.name
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.startswith("coder_") and ("window" in sample.labels or sample.name == NAMES)
    }


def test_response_after_midnight_is_not_published() -> None:
    """A response that was requested before midnight and arrives after it is not exposed."""
    midnight = first_instant(date(2026, 3, 5), "UTC")
    begun = set[datetime]()

    async def scenario() -> None:
        async with poll_deployment(Slow(create_small_coder()), **ONE_DAY) as polled:
            await asyncio.sleep((midnight - datetime.now(UTC)).total_seconds() + 1)
            for _ in range(600):
                begins = windows_begin(polled.page())
                begun.update(begin for (_, window), begin in begins.items() if window == "today")
                await asyncio.sleep(1)

    run_on_fast_clock(scenario, midnight - timedelta(seconds=45))

    assert {midnight} == begun


class Slow(httpx.AsyncBaseTransport):
    """A server whose responses take a while."""

    def __init__(self, coder: EmbeddedCoder) -> None:
        self._inner = httpx.ASGITransport(create_app(coder))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond as Coder does, after a while."""
        await asyncio.sleep(5)
        return await self._inner.handle_async_request(request)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_values_after_midnight_are_those_of_the_new_day(zone: str) -> None:
    """What was today is now yesterday, and no request is rejected."""
    seen = poll_over_midnight(first_instant(date(2026, 3, 26), zone), zone)

    first, after = (first_instant(date(2026, 3, day), zone) for day in (25, 26))
    users = seen.coder.population.count_active(build_span(first, after, after + MINUTE))

    assert users == parse_series(seen.later, DAYS)[("day", "yesterday"),]
    assert parse_series(seen.later, DAYS)[("day", "today"),] < users
    assert [] == [request for request in seen.coder.requests if request.status != 200]
