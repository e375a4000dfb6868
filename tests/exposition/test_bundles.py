"""Neighbouring chunks are bundled by what is in them, and large ones left alone."""

from collections.abc import Iterable, Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from insights_exporter.exposition.page import Bundle, grouped, joined, leaf
from insights_exporter.exposition.store import Source
from insights_exporter.exposition.text import RenderedFamily
from tests.exposition.pages import naps

ENOUGH = 128 * 1024
LARGE = 3000  # rows, more than enough


def sources(sizes: Iterable[int]) -> Mapping[Source, RenderedFamily]:
    """Give a deployment's chunks of so many rows."""
    return {
        ("acme", "cats", f"w{number}", ""): naps("acme", f"w{number}", size)
        for number, size in enumerate(sizes)
    }


def bundles(given: Mapping[Source, RenderedFamily]) -> Sequence[Bundle]:
    """Bundle chunks that have one run."""
    (only_run,) = leaf(given, 1)
    return only_run


@settings(max_examples=30)
@given(st.lists(st.integers(0, 2 * LARGE), max_size=10))
def test_nothing_is_lost_and_nothing_moves(sizes: list[int]) -> None:
    """Bundled, and bundled again, the bytes are those of all chunks in their order."""
    given_sources = sources(sizes)
    groups = list(grouped(bundles(given_sources)))

    assert b"".join(chunk.runs[0] for chunk in given_sources.values()) == b"".join(map(joined, groups))
    assert sum(bundle.size for group in groups for bundle in group) == len(b"".join(map(joined, groups)))


def test_large_chunk_stays_alone() -> None:
    """Its bytes are those that were rendered, and its neighbours are bundled without it."""
    given_sources = sources([1, LARGE, 1, 1])
    large = given_sources["acme", "cats", "w1", ""].runs[0]
    groups = list(grouped(bundles(given_sources)))

    assert ENOUGH < len(large)
    assert [1, 1, 2] == [len(chunks) for chunks in ([c for b in group for c in b.chunks] for group in groups)]
    assert joined(groups[1]) is large


def test_bundles_of_small_chunks_are_about_large_enough() -> None:
    """A thousand chunks of 6 KB become a few dozen bundles, none of them huge."""
    sizes = [bundle.size for bundle in bundles(sources([100] * 1000))]

    assert ENOUGH / 2 < sum(sizes) / len(sizes) < ENOUGH * 2
    assert max(sizes) < ENOUGH * 12


def test_unchanged_bundles_are_the_same_objects() -> None:
    """A change of one chunk makes a new bundle for it alone."""
    before = sources([LARGE, LARGE, LARGE])
    after = {**before, ("acme", "cats", "w1", ""): naps("acme", "w1", LARGE + 1)}
    old = leaf(before, 1)
    new = leaf(after, 1, old)

    assert [True, False, True] == [one is other for one, other in zip(old[0], new[0], strict=True)]


def test_chunks_without_series_are_left_out() -> None:
    """Nothing is bundled where there are no lines."""
    assert () == bundles(sources([0, 0]))
