"""The clock and the cache of the server."""

import json
from datetime import timedelta
from functools import partial

from insights_exporter.demo import EmbeddedCoder
from tests.demo.client import (
    MONTH,
    NOW,
    TEMPLATES,
    coder,
    fetch_report,
    seconds,
    send_request,
    utc_days,
)


def test_today_grows_with_the_clock() -> None:
    """The values of today only grow, every five minutes."""
    query = utc_days(1)
    clocks = [partial(NOW.replace, hour=14, minute=minute) for minute in range(0, 60, 5)]
    sums = [seconds(coder(now=clock), query) for clock in clocks]

    assert sorted(sums) == sums
    assert sums[0] < sums[-1]


def test_hour_in_progress_counts_only_in_whole_half_hours() -> None:
    """The running half hour counts only once it is in the window as a whole."""
    past, running = (
        seconds(coder(), {"start_time": "2026-05-20T00:00:00Z", "end_time": f"2026-05-20T{hour}:00:00Z"})
        for hour in (14, 15)
    )

    assert past < running


def test_users_have_no_more_seconds_than_the_window() -> None:
    """Users are not active for longer than the elapsed time."""
    users = fetch_report(coder(), "user-activity", utc_days(1))["users"]

    assert max(user["seconds"] for user in users) <= 14.5 * 3600


def test_responses_are_compact_json() -> None:
    """Responses are compact JSON with escaped HTML and a newline."""
    body = bytes(send_request(coder(), TEMPLATES, MONTH).body)

    assert (
        body
        == json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .encode()
        + b"\n"
    )


def test_default_clock() -> None:
    """The default clock is the current time in UTC."""
    assert timedelta() == EmbeddedCoder().now().utcoffset()
