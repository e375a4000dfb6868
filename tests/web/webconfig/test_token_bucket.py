"""The token bucket limits requests and returns the time to wait."""

from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.web.webconfig.auth import TokenBucket
from insights_exporter.web.webconfig.model import RateLimitSection
from tests.web.webconfig.server import Clock


def test_a_burst_gets_through_at_once() -> None:
    """A full bucket allows a burst."""
    bucket = TokenBucket(RateLimitSection.model_construct(interval=10.0, burst=3), Clock())

    assert [0.0, 0.0, 0.0, 10.0] == [bucket.take() for _ in range(4)]


def test_time_to_wait() -> None:
    """After the returned time exactly one token is available."""
    clock = Clock()
    bucket = TokenBucket(RateLimitSection.model_construct(interval=10.0, burst=1), clock)
    bucket.take()
    clock.now += 4
    wait = bucket.take()
    clock.now += wait

    assert 6.0 == wait
    assert [0.0, 10.0] == [bucket.take(), bucket.take()]


def test_tokens_are_limited_to_a_burst() -> None:
    """The bucket never holds more than a burst."""
    clock = Clock()
    bucket = TokenBucket(RateLimitSection.model_construct(interval=10.0, burst=2), clock)
    clock.now += 10_000

    assert [0.0, 0.0, 10.0] == [bucket.take() for _ in range(3)]


@given(
    interval=st.floats(0.001, 1000),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 100), max_size=200),
)
def test_never_more_than_the_limit(interval: float, burst: int, pauses: list[float]) -> None:
    """At most the burst and one request per interval are allowed over any time."""
    clock = Clock()
    bucket = TokenBucket(RateLimitSection.model_construct(interval=interval, burst=burst), clock)
    through = 0
    for pause in pauses:
        clock.now += pause
        through += bucket.take() == 0.0

    elapsed = clock.now - Clock().now
    assert through <= burst + elapsed / interval + 1e-6
