"""A page equals what prometheus_client prints, and shares what did not change."""

import gzip
import tracemalloc
from itertools import chain, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.negotiation import ENDINGS, Format
from insights_exporter.exposition.page import Page, build_page, build_response
from insights_exporter.exposition.process import ProcessMetrics
from insights_exporter.exposition.store import Snapshot
from insights_exporter.exposition.text import render
from tests.exposition.oracle import print_samples
from tests.exposition.snapshots import NAPS, ROWS, build_snapshot, create_gauges, group_by_family
from tests.exposition.strategies import families, samples

SMALL = 64 * 1024
LARGE = 5000  # rows, more than parts share a piece with others
NOTHING = ProcessMetrics(())


def plain(page: Page, format_: Format) -> bytes:
    """Return the whole plain body."""
    return b"".join(build_response(page, NOTHING, format_, gzip=False).segments)


def decompress(page: Page, format_: Format) -> bytes:
    """Return the whole compressed body, decompressed."""
    return gzip.decompress(b"".join(build_response(page, NOTHING, format_, gzip=True).segments))


def pieces(page: Page) -> set[int]:
    """Return the identities of the compressed pieces of lines that a page consists of."""
    groups = (pieces for block in page.blocks.values() for pieces in block.groups.values())
    return {id(piece) for pieces in groups for piece in pieces if piece.length}


def many_deployments() -> Snapshot:
    """Return a snapshot with one family of a hundred deployments, 3 MB in all."""
    return build_snapshot().apply(
        group_by_family(
            {
                (NAPS, (f"d{number:02}", "cats", "7d", "")): create_gauges(f"d{number:02}", "7d", 500)
                for number in range(100)
            }
        )
    )


@pytest.mark.parametrize("format_", Format)
def test_page_equals_that_of_the_client(format_: Format) -> None:
    """All types of two deployments are as prometheus_client prints them, without empty families."""
    everything = {
        family: [(deployment, Samples(family, rows)) for deployment in ("acme", "globex")]
        for family, rows in ROWS.items()
    }

    assert print_samples(format_, everything) == plain(build_page(build_snapshot("globex", "acme")), format_)


@pytest.mark.parametrize("format_", Format)
def test_page_without_samples_has_no_families(format_: Format) -> None:
    """HELP and TYPE are exposed only with samples."""
    nothing = build_snapshot("acme").apply(
        group_by_family({(NAPS, ("acme", "cats", "", "")): render(Samples(NAPS, []), "acme")})
    )

    assert ENDINGS[format_] == plain(build_page(build_snapshot()), format_)
    assert b"naps_seconds" not in plain(build_page(nothing), format_)


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Draw snapshots, each a change of the previous one."""
    declared = {family.name: family for family in draw(st.lists(families(), min_size=1))}
    history = [Snapshot.create_empty(tuple(declared.values()))]
    for _ in range(draw(st.integers(1, 4))):
        family: MetricFamily = draw(st.sampled_from(list(declared.values())))
        source = (draw(st.sampled_from("ab")), "cats", draw(st.sampled_from("cd")), "")
        part = render(draw(samples(family)), source[0]) if draw(st.booleans()) else None
        history.append(history[-1].apply(group_by_family({(family, source): part})))
    return history


@pytest.mark.parametrize("format_", Format)
@given(history=histories())
def test_page_does_not_depend_on_earlier_pages(format_: Format, history: list[Snapshot]) -> None:
    """Built from the previous page or from nothing, compressed or not, a page is the same."""
    page = None
    for snapshot in history:
        page = build_page(snapshot, page)
        rebuilt = build_page(snapshot)

        assert rebuilt.contents == page.contents
        assert rebuilt.with_gauges.contents == page.with_gauges.contents
        assert plain(rebuilt, format_) == plain(page, format_) == decompress(page, format_)


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 2 * LARGE), max_size=12))
def test_segments_are_few(sizes: list[int]) -> None:
    """Of two adjacent segments one is large."""
    page = build_snapshot()
    for number, size in enumerate(sizes):
        source = ("acme", "cats", f"{number:02}", "")
        page = page.apply(group_by_family({(NAPS, source): create_gauges("acme", source[2], size)}))

    content = build_page(page).contents[Format.TEXT]

    for segments in (map(b"".join, content.group_parts()), content.packed):
        assert all(max(map(len, pair)) >= SMALL for pair in pairwise(segments))
    assert sum(map(len, chain.from_iterable(content.group_parts()))) == content.length


def test_joined_segments_stay_small() -> None:
    """Only a segment that is one part is larger, and it is not copied."""
    content = build_page(many_deployments()).contents[Format.TEXT]

    assert 2 * SMALL > max(map(len, map(b"".join, content.group_parts())))
    assert 2 * SMALL > max(map(len, content.packed))


def test_plain_text_is_joined_as_it_is_sent() -> None:
    """A response to a slow client holds a copy of the text that is sent next, not of all of it."""
    page = build_page(many_deployments())
    batches = iter(build_response(page, NOTHING, Format.TEXT, gzip=False).batches)
    tracemalloc.start()
    try:
        first = next(batches)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 6 * SMALL > held
    assert plain(page, Format.TEXT) == b"".join(chain.from_iterable([first, *batches]))


def test_batches_of_large_segments_are_limited() -> None:
    """Large segments are not copied, and about 1 MiB of them is sent at once."""
    snapshot = build_snapshot()
    for number in range(8):
        source = (f"dev-{number}", "cats", "7d", "")
        snapshot = snapshot.apply(group_by_family({(NAPS, source): create_gauges(source[0], "7d", LARGE)}))
    page = build_page(snapshot)

    *batches, _ = build_response(page, NOTHING, Format.TEXT, gzip=False).batches

    assert [True] * 2 == [1 << 20 <= sum(map(len, batch)) < 2 << 20 for batch in batches]


def test_plain_response_does_not_hold_the_compressed_form() -> None:
    """The page of a selection is freed as soon as its plain response is built."""
    snapshot = many_deployments()
    tracemalloc.start()
    try:
        page = build_page(snapshot)
        compressed = sum(map(len, page.contents[Format.TEXT].packed))
        response = build_response(page, NOTHING, Format.TEXT, gzip=False)
        del page
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert compressed > held
    assert response.length == sum(map(len, response.segments))


def test_large_part_is_served_without_a_copy() -> None:
    """In both formats the rendered bytes are those that are sent."""
    part = create_gauges("acme", "7d", LARGE)
    page = build_page(
        build_snapshot("acme", "globex").apply(group_by_family({(NAPS, ("acme", "cats", "7d", "")): part}))
    )

    for content in page.contents.values():
        segments = map(b"".join, content.group_parts())
        assert [part.sections[0]] == [segment for segment in segments if segment is part.sections[0]]


def test_changed_family_is_compressed_alone() -> None:
    """The compressed pieces of all other families are reused."""
    before = build_snapshot("acme", "globex")
    old = build_page(before)
    new = build_page(
        before.apply(group_by_family({(NAPS, ("acme", "cats", "", "")): create_gauges("acme", "7d", 1)})),
        old,
    )

    changed = [name for name, block in new.blocks.items() if block is not old.blocks[name]]

    assert [NAPS.name] == changed
    assert 1 == len(pieces(new) - pieces(old))


def test_changed_deployment_is_compressed_with_its_group() -> None:
    """Of a family with many deployments, the pieces of all other groups are reused."""
    before = many_deployments()
    old = build_page(before)
    after = before.apply(
        group_by_family({(NAPS, ("d50", "cats", "7d", "")): create_gauges("d50", "7d", 501)})
    )
    new = build_page(after, old)

    assert 1 == len(pieces(new) - pieces(old)) < len(pieces(old))
    assert build_page(after).contents == new.contents


def test_page_of_one_deployment_has_no_other() -> None:
    """A page of one deployment has no series of another one."""
    snapshot = build_snapshot("acme", "globex")
    part = build_page(snapshot.filter_deployments({"acme"}), build_page(snapshot))

    assert plain(build_page(build_snapshot("acme")), Format.TEXT) == plain(part, Format.TEXT)


def test_page_of_some_names_has_those_families() -> None:
    """A page of a filtered snapshot has the selected families."""
    shown = plain(build_page(build_snapshot("acme").filter_names(["meals"])), Format.TEXT)

    assert shown.startswith(b"# HELP meals_total Meals.")
    assert b'meals_total{deployment="acme",dish="fish"} 7.0' in shown
    assert b"naps" not in shown
