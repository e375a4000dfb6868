"""Log lines that clients cause are limited, and suppressed ones are counted."""

from insights_exporter.web.concurrency import LogThrottle
from tests.web.webconfig.server import Clock


def test_one_line_of_a_kind_in_a_while() -> None:
    """The first message of a kind is logged; after a minute, the next one has the number of dropped ones."""
    clock = Clock()
    throttle = LogThrottle(60, clock)

    first = [throttle.admit(kind) for kind in ("a", "a", "b", "a")]
    clock.now += 60
    later = [throttle.admit(kind) for kind in ("a", "a", "b")]

    assert [0, None, 0, None] == first
    assert [2, None, 0] == later


def test_kinds_are_bounded() -> None:
    """With many kinds, few lines are logged and few kinds stored; the others are counted."""
    clock = Clock()
    throttle = LogThrottle(60, clock)

    logged = [throttle.admit(str(number % 101)) for number in range(1010)]
    clock.now += 60
    later = [throttle.admit(str(number)) for number in (1, 100, 0)]

    assert [0] * 100 + [None] * 910 == logged
    assert [9 + 10, 9, 9] == later
    assert len(throttle._logged) <= 100  # noqa: SLF001 -- the point is what it holds
