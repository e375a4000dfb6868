"""Numbers and times as text."""

import pytest

from insights_exporter.config.models import Window
from insights_exporter.web.status.format import (
    DASH,
    describe_window,
    format_active_time,
    format_age,
    format_duration,
    format_number,
    format_percent,
    format_time,
    format_usage_time,
)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(-5.0, "0 s", id="a clock that went back"),
        pytest.param(59.9, "59 s", id="seconds"),
        pytest.param(60.0, "1 min", id="a minute"),
        pytest.param(3599.0, "59 min", id="minutes"),
        pytest.param(7199.0, "1 h", id="an hour"),
        pytest.param(86400.0 * 3, "3 d", id="days"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    """A duration is written in its largest unit, rounded down."""
    assert expected == format_duration(seconds)


@pytest.mark.parametrize(("timestamp", "expected"), [(None, DASH), (820.0, "3 min ago")])
def test_age(timestamp: float | None, expected: str) -> None:
    """The age of a timestamp is a duration; a dash stands for an unknown one."""
    assert expected == format_age(timestamp, 1000.0)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, "0 min"), (3540.0, "59 min"), (5400.0, "1.5 h"), (36000.0, "10 h"), (4_446_000.0, "1,235 h")],
)
def test_usage_time(seconds: float, expected: str) -> None:
    """Time of use is written in minutes or hours."""
    assert expected == format_usage_time(seconds)


@pytest.mark.parametrize(("value", "expected"), [(None, "–"), (0.0, "0"), (12345.0, "12,345")])  # noqa: RUF001
def test_number(value: float | None, expected: str) -> None:
    """A count has separated thousands; a dash stands for an unknown one."""
    assert expected == format_number(value)


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        pytest.param(1_772_323_200.0, "2026-03-01 00:00 UTC", id="a time"),
        pytest.param(1e18, "9999-01-01 00:00 UTC", id="after the end of the calendar"),
    ],
)
def test_time(timestamp: float, expected: str) -> None:
    """A timestamp is limited to valid dates, for any value of the server."""
    assert expected == format_time(timestamp)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param(Window(name="today", days=1), "today", id="today"),
        pytest.param(Window(name="7d", days=7), "last 7 days", id="days"),
        pytest.param(Window(name="7d", days=7, include_today=False), "last 7 whole days", id="whole days"),
        pytest.param(
            Window(name="before", days=1, include_today=False), "before (yesterday)", id="the day before"
        ),
        pytest.param(Window(name="quarter", days=90), "quarter (last 90 days)", id="name of its own"),
    ],
)
def test_window(chosen: Window, expected: str) -> None:
    """A window is written as the days that it covers."""
    assert expected == describe_window(chosen)


@pytest.mark.parametrize(("seconds", "expected"), [(900, "15 min"), (3600, "1 h"), (576_000, "160 h")])
def test_active_time(seconds: float, expected: str) -> None:
    """A bound of active time has its unit."""
    assert expected == format_active_time(seconds)


def test_share_of_nothing() -> None:
    """A share of 0 is unknown."""
    assert DASH == format_percent(0, 0)
