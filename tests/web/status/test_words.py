"""Numbers and times as people read them."""

import pytest

from insights_exporter.config.models import Window
from insights_exporter.web.status import format as words


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
def test_span(seconds: float, expected: str) -> None:
    """A duration is written in its largest unit, rounded down."""
    assert expected == words.span(seconds)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, "0 min"), (3540.0, "59 min"), (5400.0, "1.5 h"), (36000.0, "10 h"), (4_446_000.0, "1,235 h")],
)
def test_hours(seconds: float, expected: str) -> None:
    """Time of use is written in minutes or hours."""
    assert expected == words.hours(seconds)


@pytest.mark.parametrize(("value", "expected"), [(None, "–"), (0.0, "0"), (12345.0, "12,345")])  # noqa: RUF001
def test_number(value: float | None, expected: str) -> None:
    """A count has its thousands apart, and a dash stands where nothing is known."""
    assert expected == words.number(value)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param(1_772_323_200.0, "2026-03-01 00:00 UTC", id="a moment"),
        pytest.param(1e18, "9999-01-01 00:00 UTC", id="after the end of the calendar"),
    ],
)
def test_clock(moment: float, expected: str) -> None:
    """A moment that a server tells is shown, whatever it is."""
    assert expected == words.clock(moment)


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
    assert expected == words.window(chosen)


@pytest.mark.parametrize(("seconds", "expected"), [(900, "15 min"), (3600, "1 h"), (576_000, "160 h")])
def test_active_time(seconds: float, expected: str) -> None:
    """A bound of active time has its unit."""
    assert expected == words.active_time(seconds)


def test_share_of_nobody() -> None:
    """Where there is nobody there is no share."""
    assert words.NOTHING == words.percent(0, 0)
