"""The clock, and what the server keeps."""

import json
from datetime import timedelta
from functools import partial

from insights_exporter.demo import EmbeddedCoder, Population
from tests.demo.client import (
    MONTH,
    NOW,
    TEMPLATES,
    ask,
    coder,
    report,
    seconds,
    utc_days,
)


def test_today_grows_with_the_clock() -> None:
    """The same window says more five minutes later, and never less."""
    query = utc_days(1)
    clocks = [partial(NOW.replace, hour=14, minute=minute) for minute in range(0, 60, 5)]
    sums = [seconds(coder(now=clock), query) for clock in clocks]

    assert sorted(sums) == sums
    assert sums[0] < sums[-1]


def test_hour_in_progress_counts_only_in_whole_half_hours() -> None:
    """A window that ends with the current hour hides what happens in it."""
    past, running = (
        seconds(coder(), {"start_time": "2026-05-20T00:00:00Z", "end_time": f"2026-05-20T{hour}:00:00Z"})
        for hour in (14, 15)
    )

    assert past < running


def test_users_have_no_more_seconds_than_the_window() -> None:
    """Nobody is active for longer than the time that went by."""
    users = report(coder(), "user-activity", utc_days(1))["users"]

    assert max(user["seconds"] for user in users) <= 14.5 * 3600


def test_large_answers_are_kept_until_the_next_roll_up() -> None:
    """The same question within five minutes has the same bytes; a setting or the clock makes new ones."""
    clock = [NOW]
    server = coder(now=lambda: clock[0], population=Population(seed=7, users=400))
    first = ask(server, "/insights/user-activity", MONTH).body
    server.role = "member"

    assert ask(server, "/insights/user-activity", MONTH).status == 404
    server.role = "auditor"
    assert ask(server, "/insights/user-activity", MONTH).body is first
    clock[0] = NOW + timedelta(minutes=15)
    assert first != ask(server, "/insights/user-activity", MONTH).body


def test_answers_are_compact_json() -> None:
    """Go writes no spaces and one newline, and escapes HTML."""
    body = ask(coder(), TEMPLATES, MONTH).body

    assert (
        body
        == json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .encode()
        + b"\n"
    )


def test_clock_is_that_of_the_machine_unless_told() -> None:
    """Without a clock of its own a server knows the time, in UTC."""
    assert timedelta() == EmbeddedCoder().now().utcoffset()
