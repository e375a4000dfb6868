"""Large bodies are cached until the next rollup, and not too many."""

from datetime import datetime, timedelta

import pytest

from insights_exporter.demo.embedded_coder import CACHED_BODIES, SMALL_BODY, ResponseCache
from tests.demo.client import NOW

LARGE = b"x" * SMALL_BODY


def is_cached(cache: ResponseCache, key: int = 0, now: datetime = NOW) -> bool:
    """Return whether a body is not built again."""
    return cache.get_or_build(key, now, lambda: b"new") != b"new"


def test_large_body_is_cached_until_the_next_rollup() -> None:
    """A body of 14:31 is found at 14:34, but not at 14:35."""
    cache = ResponseCache()

    assert cache.get_or_build(0, NOW, lambda: LARGE) is LARGE
    assert is_cached(cache, now=NOW + timedelta(minutes=3, seconds=59))
    assert not is_cached(cache, now=NOW + timedelta(minutes=4))


@pytest.mark.parametrize(("body", "cached"), [(LARGE, True), (LARGE[1:], False)], ids=["large", "small"])
def test_small_body_is_not_cached(body: bytes, cached: bool) -> None:
    """A body below the limit is not cached."""
    cache = ResponseCache()
    cache.get_or_build(0, NOW, lambda: body)

    assert cached is is_cached(cache)


def test_number_of_bodies_is_limited() -> None:
    """A body above the limit removes the others."""
    cache = ResponseCache()
    for key in range(CACHED_BODIES):
        cache.get_or_build(key, NOW, lambda: LARGE)

    assert is_cached(cache, CACHED_BODIES - 1) is False
    assert not is_cached(cache, 0)
