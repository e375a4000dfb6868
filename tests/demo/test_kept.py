"""Large answers are kept for a while, and not too many."""

from datetime import timedelta

from insights_exporter.demo.response_cache import MOST_BODIES, SMALL, ResponseCache
from tests.demo.asking import NOW

LARGE = b"x" * SMALL


def test_large_answer_is_found_until_the_next_roll_up() -> None:
    """At 14:34 an answer of 14:31 is found, at 14:35 not."""
    kept = ResponseCache()
    kept.find("key", NOW)
    kept.keep("key", LARGE)

    assert kept.find("key", NOW + timedelta(minutes=3, seconds=59)) is LARGE
    assert kept.find("key", NOW + timedelta(minutes=4)) is None
    assert len(kept) == 0


def test_small_answer_is_not_worth_it() -> None:
    """An answer below the limit is not kept."""
    kept = ResponseCache()
    kept.keep("key", LARGE[1:])

    assert len(kept) == 0


def test_oldest_goes_first() -> None:
    """However many answers there are, the memory for them is bounded."""
    kept = ResponseCache()
    kept.find(0, NOW)
    for key in range(MOST_BODIES + 1):
        kept.keep(key, LARGE)

    assert MOST_BODIES == len(kept)
    assert kept.find(0, NOW) is None
    assert kept.find(1, NOW) is LARGE
