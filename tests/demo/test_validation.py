"""The real server's errors for times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.demo.validation import find_next_hour
from tests.demo.queries import TODAY, one_bad, read_accepted, read_rejected

EPOCH = datetime(2020, 1, 2, tzinfo=UTC)

PARSING = (
    "must be a valid date format (2006-01-02T15:04:05Z07:00): "
    'parsing time "2023-07-10" as "2006-01-02T15:04:05Z07:00": cannot parse'
)


@pytest.mark.parametrize(
    ("changes", "field", "detail"),
    [
        ({"start_time": "2023-07-10"}, "start_time", PARSING),
        ({"end_time": "2023-07-10"}, "end_time", PARSING),
        ({"end_time": "2024-05-20T16:00:00Z"}, "end_time", "must not be in the future"),
        ({"start_time": "2024-05-21T00:00:00Z"}, "start_time", "must not be in the future"),
        (
            {"start_time": "2024-05-20T01:00:00Z"},
            "start_time",
            "must have the clock set to 00:00:00, got 2024-05-20T01:00:00Z",
        ),
        (
            {"end_time": "2024-05-20T14:31:00Z"},
            "end_time",
            "must have the clock set to 14:00:00, got 2024-05-20T14:31:00Z",
        ),
        (
            {"end_time": "2024-05-19T14:00:00Z"},
            "end_time",
            "must have the clock set to 00:00:00, got 2024-05-19T14:00:00Z",
        ),
        ({"end_time": "2024-05-19T00:00:00Z"}, "end_time", 'must be after than "start_time"'),
    ],
    ids=[
        "start-no-time",
        "end-no-time",
        "end-in-the-future",
        "start-in-the-future",
        "start-within-the-day",
        "end-within-the-hour",
        "end-within-a-past-day",
        "end-before-start",
    ],
)
def test_time_that_breaks_a_rule_is_refused(changes: dict[str, str], field: str, detail: str) -> None:
    """Each rule of times has its own error, which names one parameter."""
    assert one_bad(field, f'Query param "{field}" {detail}') == read_rejected(TODAY | changes)


@pytest.mark.parametrize(
    ("end", "now"),
    [
        ("2024-05-20T15:00:00Z", "2024-05-20T14:00:00Z"),
        ("2024-05-20T15:00:00Z", "2024-05-20T14:59:59Z"),
        ("2024-05-21T00:00:00Z", "2024-05-20T23:01:00Z"),
        ("2024-05-20T14:00:00+05:30", "2024-05-20T14:20:00+05:30"),
        ("2024-05-20T15:00:00+05:30", "2024-05-20T14:40:00+05:30"),
        ("2024-05-20T00:00:00Z", "2024-05-20T00:00:00Z"),
    ],
    ids=["full-hour", "last-second", "midnight-ahead", "half-hour-zone", "its-second-half", "empty-window"],
)
def test_end_up_to_the_next_full_hour_passes(end: str, now: str) -> None:
    """The end may be the next full hour in UTC."""
    query = {"start_time": "2024-05-20T00:00:00+05:30", "end_time": end}

    assert datetime.fromisoformat(end) == read_accepted(query, now=datetime.fromisoformat(now)).end


def test_half_hour_zone_may_not_have_its_next_hour_early() -> None:
    """At 14:20+05:30 the limit is 14:30 there, since hours are cut in UTC."""
    now = datetime(2024, 5, 20, 8, 50, tzinfo=UTC)
    query = {"start_time": "2024-05-20T00:00:00+05:30", "end_time": "2024-05-20T15:00:00+05:30"}

    assert one_bad("end_time", 'Query param "end_time" must not be in the future') == read_rejected(
        query, now=now
    )


def test_start_is_checked_before_end() -> None:
    """Of two invalid times only the first is reported."""
    body = read_rejected({"start_time": "2024-05-20T01:00:00Z", "end_time": "never"})

    assert body == read_rejected({"start_time": "2024-05-20T01:00:00Z", "end_time": "2024-05-20T02:03:04Z"})


def test_offset_is_kept() -> None:
    """A time keeps the offset in which it was sent."""
    query = read_accepted(
        {"start_time": "2024-05-19T00:00:00-03:00", "end_time": "2024-05-20T00:00:00-03:00"}
    )

    assert timedelta(hours=-3) == query.start.utcoffset()


@given(
    now=st.integers(0, 10 * 365 * 24 * 60).map(lambda minute: EPOCH + timedelta(minutes=minute)),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_window_up_to_the_next_hour_always_passes(now: datetime, minutes: int) -> None:
    """From a midnight in any offset up to the next full hour of UTC, every moment of every day."""
    local = now.astimezone(timezone(timedelta(minutes=minutes)))
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    query = {"start_time": start.isoformat(), "end_time": find_next_hour(now).isoformat()}

    assert read_accepted(query, now=now).end == find_next_hour(now)
