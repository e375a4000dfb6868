"""What is special about requests for one template at a time."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.coder.request import InvalidResponse, Response
from insights_exporter.datasets.base import PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.template_breakdown import (
    TEMPLATE_DAILY_ACTIVE_USERS,
    build_requests,
    convert,
    select_daily_window,
)
from tests.datasets.cases import load_context, load_responses, sort_lines
from tests.datasets.responses import EDGES, generate_report

USERS = {"deployment": {"templates": {"users": True}}}
FOREIGN = {
    "report": (0, generate_report(template_ids=["a", "b"])),
    "app": (
        0,
        generate_report(apps_usage=[{"type": "app", "slug": "x", "seconds": 1, "template_ids": ["b"]}]),
    ),
    "parameter": (
        0,
        generate_report(
            parameters_usage=[{"name": "x", "type": "string", "values": [], "template_ids": ["b"]}]
        ),
    ),
    "day": (
        0,
        {
            "interval_reports": [
                {
                    "start_time": "2026-05-20T00:00:00Z",
                    "end_time": "2026-05-20T15:00:00Z",
                    "active_users": 1,
                    "template_ids": ["b"],
                }
            ]
        },
    ),
    "activity": (1, {"report": {**EDGES, "template_ids": ["b"], "users": []}}),
    "latency": (2, {"report": {**EDGES, "template_ids": ["b"], "users": []}}),
}


@pytest.mark.parametrize(("number", "body"), FOREIGN.values(), ids=FOREIGN)
def test_response_about_others_is_invalid(number: int, body: object) -> None:
    """Such a response is never exposed as that of the requested template."""
    context = load_context("7d", in_use=["a"], **USERS)
    response = Response(build_requests(context)[number], json.dumps(body).encode())

    with pytest.raises(
        InvalidResponse, match=r"requested one template, .* responded about 1 others too; .*: set templates"
    ):
        convert(context, response)


def create_daily_rows(context: PollContext) -> list[dict[str, object]]:
    """Return the rows of a server: steps of 24 hours, each with as many users as its number from the end."""
    span = build_requests(context)[0].span
    assert span is not None
    starts = [
        span.start + timedelta(days=day) for day in range(9) if span.start + timedelta(days=day) < span.end
    ]
    return [
        {
            "start_time": start.isoformat(),
            "end_time": min(start + timedelta(days=1), span.end).isoformat(),
            "active_users": len(starts) - number,
            "template_ids": ["a"],
        }
        for number, start in enumerate(starts)
    ]


def create_response_with_days(context: PollContext) -> Response:
    """Return the response about a template with its days."""
    return Response(
        build_requests(context)[0], json.dumps({"interval_reports": create_daily_rows(context)}).encode()
    )


def list_exposed_days(context: PollContext, response: Response) -> dict[str, object]:
    """Return the users by day of a response in a context."""
    return {
        labels[0]: value
        for each in convert(context, response).samples
        if each.family == TEMPLATE_DAILY_ACTIVE_USERS
        for labels, value in each.rows
    }


BOTH = {"today": 1.0, "yesterday": 2.0}
DAYS = {
    "an ordinary day in UTC": ("UTC", "2026-05-20T14:31", BOTH),
    "an ordinary day in New York": ("America/New_York", "2026-05-20T14:31", BOTH),
    "the last hour of a day": ("America/New_York", "2026-05-20T23:31", BOTH),
    "the first hour of a day": ("America/New_York", "2026-05-20T00:31", BOTH),
    "New York, the day of 23 hours": ("America/New_York", "2026-03-08T14:31", BOTH),
    "New York, the day after 23 hours": ("America/New_York", "2026-03-09T14:31", {}),
    "New York, six days after 23 hours": ("America/New_York", "2026-03-14T14:31", {}),
    "New York, a week after 23 hours": ("America/New_York", "2026-03-15T14:31", BOTH),
    "New York, the day of 25 hours": ("America/New_York", "2026-11-01T14:31", BOTH),
    "New York, the 25th hour": ("America/New_York", "2026-11-01T23:31", {"yesterday": 3.0}),
    "New York, the day after 25 hours": ("America/New_York", "2026-11-02T14:31", {}),
    "New York, six days after 25 hours": ("America/New_York", "2026-11-07T14:31", {}),
    "New York, a week after 25 hours": ("America/New_York", "2026-11-08T14:31", BOTH),
    "Santiago, the day without a midnight": ("America/Santiago", "2026-09-06T14:31", BOTH),
    "Santiago, the day after 23 hours": ("America/Santiago", "2026-09-07T14:31", {}),
    "Santiago, six days after 23 hours": ("America/Santiago", "2026-09-12T14:31", {}),
    "Santiago, a week after 23 hours": ("America/Santiago", "2026-09-13T14:31", BOTH),
    "Santiago, the day of 25 hours": ("America/Santiago", "2026-04-04T14:31", BOTH),
    "Santiago, the day after 25 hours": ("America/Santiago", "2026-04-05T14:31", {}),
    "Santiago, six days after 25 hours": ("America/Santiago", "2026-04-10T14:31", {}),
    "Santiago, a week after 25 hours": ("America/Santiago", "2026-04-11T14:31", BOTH),
}


def at(now: str, zone: str) -> PollContext:
    """Return the context of the week at a local time."""
    moment = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(zone))
    return load_context("7d", in_use=["a"], now=moment.isoformat(), deployment={"timezone": zone})


@pytest.mark.parametrize(("zone", "now", "expected"), DAYS.values(), ids=DAYS)
def test_rows_are_days_only_where_they_cover_them(zone: str, now: str, expected: dict[str, float]) -> None:
    """A row of 24 hours is not a day of 23 or 25, and days are absent until the change is past."""
    context = at(now, zone)

    assert expected == list_exposed_days(context, create_response_with_days(context))


def test_row_that_ends_elsewhere_is_not_today() -> None:
    """A row that ends before the request does is an older one."""
    context, older = at("2026-05-20T14:31", "UTC"), at("2026-05-20T13:31", "UTC")
    mixed = Response(create_response_with_days(context).request, create_response_with_days(older).body)

    assert {"yesterday": 2.0} == list_exposed_days(context, mixed)


DAILY_WINDOWS = {
    "the default": (["7d"], "7d"),
    "the shortest that has a yesterday": (["today", "30d", "7d"], "7d"),
    "today at least": (["today"], "today"),
    "none": ([], None),
}


@pytest.mark.parametrize(("windows", "expected"), DAILY_WINDOWS.values(), ids=DAILY_WINDOWS)
def test_one_window_exposes_the_days(windows: list[str], expected: str | None) -> None:
    """Two windows do not both have a series for one day."""
    window = select_daily_window(load_context(deployment={"templates": {"windows": windows}}).deployment)

    assert expected == (window and window.name)


def test_other_windows_do_not_expose_the_days() -> None:
    """The series have no label for the window."""
    context = load_context("30d", in_use=["a"], deployment={"templates": {"windows": ["7d", "30d"]}})

    assert [] == [
        line
        for line in sort_lines(convert(context, create_response_with_days(context)).samples)
        if "day=" in line
    ]


IN_USE: Mapping[str, tuple[object, tuple[str, ...] | None]] = {
    "some": (["b", "a", "b"], ("a", "b")),
    "none": ([], ()),
    "null, as some servers write none": (None, ()),
    "one that is no text": (["a", 7], None),
    "no list": ("a", None),
}


@pytest.mark.parametrize(("ids", "expected"), IN_USE.values(), ids=IN_USE)
def test_templates_in_use_are_all_that_the_report_names_or_unknown(
    ids: object, expected: tuple[str, ...] | None
) -> None:
    """If some ids cannot be read, the templates in use are unknown."""
    dataset, context = DATASETS["templates"], load_context("7d")
    body = json.dumps(generate_report(template_ids=ids)).encode()

    assert expected == dataset.convert(context, *load_responses(dataset, context, body)).in_use
