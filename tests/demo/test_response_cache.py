"""Large bodies are cached until the next rollup, and not too many."""

from datetime import timedelta

from insights_exporter.demo.embedded_coder import CACHED_BODIES, SMALL_BODY, ResponseCache
from tests.demo.client import NOW

LARGE = b"x" * SMALL_BODY


def test_large_body_is_cached_until_the_next_rollup() -> None:
    """A body of 14:31 is found at 14:34, but not at 14:35."""
    cache = ResponseCache()
    cache.get("key", NOW)
    cache.put("key", LARGE)

    assert cache.get("key", NOW + timedelta(minutes=3, seconds=59)) is LARGE
    assert cache.get("key", NOW + timedelta(minutes=4)) is None
    assert 0 == len(cache)


def test_small_body_is_not_cached() -> None:
    """A body below the limit is not cached."""
    cache = ResponseCache()
    cache.put("key", LARGE[1:])

    assert 0 == len(cache)


def test_oldest_body_is_removed_first() -> None:
    """The number of bodies is limited."""
    cache = ResponseCache()
    cache.get(0, NOW)
    for key in range(CACHED_BODIES + 1):
        cache.put(key, LARGE)

    assert CACHED_BODIES == len(cache)
    assert cache.get(0, NOW) is None
    assert cache.get(1, NOW) is LARGE
