"""The requests of each dataset."""

from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.coder.request import encode_query
from insights_exporter.datasets import template_breakdown
from insights_exporter.datasets.periods import list_periods_before
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.timerange import find_next_full_hour
from tests.datasets.cases import find_default_window, load_context

UTC_WEEK = {"start_time": "2026-05-14T00:00:00Z", "end_time": "2026-05-20T15:00:00Z"}

REQUESTS = {
    "daus": [("/insights/daus", {})],
    "templates": [("/insights/templates", UTC_WEEK)],
    "user-activity": [("/insights/user-activity", UTC_WEEK)],
    "user-latency": [("/insights/user-latency", UTC_WEEK)],
    "template-list": [("/templates", {})],
    "groups": [("/groups", {})],
    "license": [("/entitlements", {})],
    "user-status-counts": [("/insights/user-status-counts", {"tz_offset": "9"})],
    "periods": [
        ("/insights/templates", {"start_time": "2026-05-11T00:00:00Z", "end_time": "2026-05-18T00:00:00Z"}),
        ("/insights/templates", {"start_time": "2026-05-04T00:00:00Z", "end_time": "2026-05-11T00:00:00Z"}),
        ("/insights/templates", {"start_time": "2026-04-01T00:00:00Z", "end_time": "2026-05-01T00:00:00Z"}),
        ("/insights/templates", {"start_time": "2026-03-01T00:00:00Z", "end_time": "2026-04-01T00:00:00Z"}),
    ],
    "template-breakdown": [
        ("/insights/templates", UTC_WEEK | {"template_ids": template, "interval": "day"})
        for template in ("a", "b")
    ],
}


@pytest.mark.parametrize("name", DATASETS)
def test_requests_of_a_dataset(name: str) -> None:
    """Paths and parameters are those of the real server's dialect."""
    context = load_context(find_default_window(DATASETS[name]), in_use=["b", "a", "a", "", "a,b"])
    requests = DATASETS[name].requests(context)

    expected = REQUESTS.get(name, "unknown: add them to REQUESTS")

    assert expected == [(request.path, encode_query(request)) for request in requests]


@pytest.mark.parametrize("hour", range(24))
def test_both_parameters_of_an_offset_have_their_midnight_at_the_next_full_hour(hour: int) -> None:
    """The newest point of the response is now; offsets are those that the server accepts."""
    context = load_context(now=f"2026-05-20T{hour:02}:31:00+00:00")
    (request,) = DATASETS["user-status-counts"].requests(context)
    end = find_next_full_hour(context.now)
    offset = timezone(timedelta(hours=int(request.extra["tz_offset"])))

    assert timedelta(hours=-12) <= offset.utcoffset(None) <= timedelta(hours=11)
    assert time(0) == end.astimezone(offset).time()
    assert time(0) == end.astimezone(ZoneInfo(request.alternative["timezone"])).time()
    assert ["timezone"] == list(request.alternative)


def test_days_of_another_zone_are_windows_of_their_own() -> None:
    """The server's own parameter for zones only shifts the names of days."""
    context = load_context(deployment={"timezone": "Asia/Kolkata"})

    assert [
        ("today", {"start_time": "2026-05-20T00:00:00+05:30", "end_time": "2026-05-20T15:00:00Z"}),
        ("yesterday", {"start_time": "2026-05-19T00:00:00+05:30", "end_time": "2026-05-20T00:00:00+05:30"}),
    ] == [(request.subject, encode_query(request)) for request in DATASETS["daus"].requests(context)]


PERIODS = {
    "a Monday": ("2026-05-18", ("2026-05-11", "2026-05-04"), ("2026-04-01", "2026-03-01")),
    "a Sunday": ("2026-05-17", ("2026-05-04", "2026-04-27"), ("2026-04-01", "2026-03-01")),
    "new year": ("2027-01-01", ("2026-12-21", "2026-12-14"), ("2026-12-01", "2026-11-01")),
    "February of a leap year": ("2028-03-31", ("2028-03-20", "2028-03-13"), ("2028-02-01", "2028-01-01")),
}


@pytest.mark.parametrize(("today", "weeks", "months"), PERIODS.values(), ids=PERIODS)
def test_periods_are_whole_and_over(today: str, weeks: tuple[str, str], months: tuple[str, str]) -> None:
    """The periods are ISO weeks and calendar months, one after the other."""
    periods = list_periods_before(datetime.fromisoformat(today).date())

    assert (weeks, months) == tuple(
        tuple(periods[f"{length}:{which}"][0].isoformat() for which in ("last", "before_last"))
        for length in ("week", "month")
    )
    assert periods["week:last"][0] == periods["week:before_last"][1]
    assert periods["month:last"][0] == periods["month:before_last"][1]


def test_users_of_templates_are_requested_if_enabled() -> None:
    """There are two more requests per template, with the same id."""
    context = load_context("7d", in_use=["a"], deployment={"templates": {"users": True}})
    users = UTC_WEEK | {"template_ids": "a"}

    assert [("/insights/user-activity", users), ("/insights/user-latency", users)] == [
        (request.path, encode_query(request)) for request in template_breakdown.build_requests(context)[1:]
    ]


@pytest.mark.parametrize("off", [["user-activity"], ["user-latency"], ["user-activity", "user-latency"]])
def test_dataset_that_is_switched_off_is_not_requested_per_template(off: list[str]) -> None:
    """A dataset of users that is switched off is not requested for templates either."""
    config = {"templates": {"users": True}, "datasets": {name: {"enabled": False} for name in off}}
    context = load_context("7d", in_use=["a", "b"], deployment=config)
    paths = {request.path for request in template_breakdown.build_requests(context)}

    assert {"templates", "user-activity", "user-latency"} - set(off) == {
        path.removeprefix("/insights/") for path in paths
    }


def test_breakdown_needs_what_the_published_dialect_lacks() -> None:
    """Without `template_ids` the response would be about all templates."""
    assert all(
        request.needs_extra for request in template_breakdown.build_requests(load_context("7d", in_use=["a"]))
    )


def test_breakdown_requests_no_more_templates_than_the_limit() -> None:
    """The first ones by id are requested each time."""
    context = load_context("7d", in_use=["c", "a", "b"], deployment={"templates": {"limit": 2}})

    assert ["a", "b"] == [request.subject for request in template_breakdown.build_requests(context)]


WINDOWS = {
    "windows of the deployment": ("templates", {}, ["today", "7d", "30d"]),
    "users in all of them": ("user-latency", {}, ["today", "7d", "30d"]),
    "no window": ("daus", {}, [None]),
    "breakdown": ("template-breakdown", {}, ["7d"]),
    "breakdown as set": (
        "template-breakdown",
        {"templates": {"windows": ["30d", "today"]}},
        ["today", "30d"],
    ),
    "breakdown off": ("template-breakdown", {"templates": {"breakdown": False}}, []),
}


@pytest.mark.parametrize(("name", "deployment", "expected"), WINDOWS.values(), ids=WINDOWS)
def test_windows_of_a_dataset(name: str, deployment: dict[str, object], expected: list[str | None]) -> None:
    """The windows follow from the config."""
    windows = DATASETS[name].windows(load_context(deployment=deployment).deployment)

    assert expected == [window and window.name for window in windows]


def test_window_is_required() -> None:
    """A dataset that exposes a window but is polled without one is a bug, and exposes no empty label."""
    with pytest.raises(ValueError, match="set `windows`"):
        _ = load_context().window_name
