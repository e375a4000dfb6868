"""The server's clock."""

from datetime import UTC, datetime

import pytest

from insights_exporter.coder.clock import ServerClock, parse_http_date


class Stopwatch:
    """A clock that is set by hand."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds


def test_own_time_before_the_first_response() -> None:
    """Before any response the server's time is the exporter's own."""
    clock = ServerClock(Stopwatch(1_772_323_200), Stopwatch(5))

    assert datetime(2026, 3, 1, tzinfo=UTC) == clock.now()
    assert clock.skew is None


def test_server_time_after_a_response() -> None:
    """After a response, the server's time continues from its Date, independently of the exporter's clock."""
    wall, monotonic = Stopwatch(1_772_323_200), Stopwatch(5)
    clock = ServerClock(wall, monotonic)

    clock.update("Mon, 02 Mar 2026 00:00:00 GMT")
    wall.seconds -= 40_000
    monotonic.seconds += 90

    assert datetime(2026, 3, 2, 0, 1, 30, tzinfo=UTC) == clock.now()
    assert 86_400 == clock.skew


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "yesterday",
        "Mon, 99 Mar 2026 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Wed, 01 Jan 3000 00:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)
def test_unusable_date_is_ignored(header: str | None) -> None:
    """A Date that is missing, broken, or of an implausible year changes nothing."""
    clock = ServerClock(Stopwatch(1_772_323_200), Stopwatch(5))

    clock.update(header)
    clock.update("Sun, 01 Mar 2026 00:00:00 GMT")
    clock.update(header)

    assert datetime(2026, 3, 1, tzinfo=UTC) == clock.now()


def test_http_date_without_a_zone() -> None:
    """A date without a usable zone is in UTC, as HTTP has it."""
    assert datetime(2026, 3, 2, tzinfo=UTC) == parse_http_date("Mon, 02 Mar 2026 00:00:00 -0000")
