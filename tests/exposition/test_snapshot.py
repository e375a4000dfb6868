"""A snapshot is immutable; a change returns another one, which shares what did not change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.store import Snapshot, Source
from insights_exporter.exposition.text import RenderedFamily
from tests.exposition.snapshots import (
    CATS,
    EVERY_KIND,
    MEAL_TIMES,
    MEALS,
    NAP_LENGTHS,
    NAPS,
    build_snapshot,
    changes,
    create_gauges,
    group_by_family,
)

EMPTY = Snapshot.create_empty(EVERY_KIND)
THIS_WEEK, THIS_MONTH = ("acme", "cats", "7d", ""), ("acme", "cats", "30d", "")

SOURCES = st.tuples(st.sampled_from("ab"), st.sampled_from("cd"), st.sampled_from("ef"), st.just(""))
CHANGES = st.dictionaries(
    st.tuples(st.sampled_from([NAPS, MEALS]), SOURCES),
    st.none() | st.integers(0, 2).map(lambda count: create_gauges("acme", "7d", count)),
    max_size=5,
)


def list_entries(snapshot: Snapshot) -> list[tuple[str, Source, RenderedFamily]]:
    """Return all parts in the order of the page."""
    return [
        (name, source, part)
        for name, parts in snapshot.parts.items()
        for sources in parts.values()
        for source, part in sources.items()
    ]


@given(st.lists(CHANGES, max_size=5))
def test_snapshot_has_the_last_changes(
    steps: list[dict[tuple[MetricFamily, Source], RenderedFamily | None]],
) -> None:
    """Each source has its last part, and none after `None`."""
    snapshot = EMPTY
    expected: dict[tuple[str, Source], tuple[bytes, ...] | None] = {}
    for step in steps:
        snapshot = snapshot.apply(group_by_family(step))
        expected |= {
            (family.name, source): part.sections if part else None for (family, source), part in step.items()
        }

    found = {(name, source): part.sections for name, source, part in list_entries(snapshot)}

    assert {key: sections for key, sections in expected.items() if sections is not None} == found


def test_parts_are_sorted() -> None:
    """The order of a page does not depend on which poll ended first."""
    late, early = create_gauges("acme", "7d", 1), create_gauges("acme", "30d", 1)
    snapshot = EMPTY.apply(group_by_family({(NAPS, THIS_WEEK): late})).apply(
        group_by_family({(NAPS, THIS_MONTH): early})
    )

    assert [THIS_MONTH, THIS_WEEK] == [source for _, source, _ in list_entries(snapshot)]
    assert ["a", "b"] == list(build_snapshot("b", "a").parts[NAPS.name])


def test_earlier_snapshot_is_unchanged() -> None:
    """A later change does not modify an earlier snapshot."""
    before = EMPTY.apply(group_by_family({(NAPS, THIS_WEEK): create_gauges("acme", "7d", 1)}))
    kept = list_entries(before)

    before.apply(
        group_by_family({(NAPS, THIS_WEEK): None, (NAPS, THIS_MONTH): create_gauges("acme", "30d", 2)})
    )

    assert kept == list_entries(before)


def test_untouched_families_are_shared() -> None:
    """A change copies only the families that it touches."""
    before = build_snapshot("acme", "globex")
    after = before.apply(group_by_family({(NAPS, THIS_WEEK): create_gauges("acme", "7d", 1)}))

    assert after.parts[MEALS.name] is before.parts[MEALS.name]
    assert after.parts[NAPS.name]["globex"] is before.parts[NAPS.name]["globex"]


def test_same_bytes_are_no_change() -> None:
    """A poll with the same values returns the same snapshot."""
    before = build_snapshot("acme")

    assert before.apply(changes("acme")) is before
    assert before.apply(group_by_family({(CATS, THIS_WEEK): None})) is before


def test_unknown_family_is_rejected() -> None:
    """A family that was not declared is an error that names it."""
    with pytest.raises(KeyError, match="dogs: no such family in this snapshot; add it"):
        EMPTY.apply(
            group_by_family(
                {
                    (MetricFamily(name="dogs", type="gauge", help="Dogs."), THIS_WEEK): create_gauges(
                        "acme", "7d", 1
                    )
                }
            )
        )


def test_deployment_can_be_selected() -> None:
    """A snapshot of one deployment has only its parts, and none for an unknown one."""
    both = build_snapshot("acme", "globex")

    assert {"globex"} == {source[0] for _, source, _ in list_entries(both.filter_deployments({"globex"}))}
    assert [] == list_entries(both.filter_deployments({"initech"}))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["naps_seconds"], [NAPS]),
        (["meals"], [MEALS]),
        (["meals_total"], [MEALS]),
        (["meal_seconds_bucket", "naps_seconds"], [NAPS, MEAL_TIMES]),
        (["nap_length_seconds_gsum"], [NAP_LENGTHS]),
        (["dogs", "naps_seconds_total"], []),
        ([], []),
    ],
    ids=str,
)
def test_families_can_be_selected(wanted: list[str], expected: list[MetricFamily]) -> None:
    """Whole families are selected by their own name or that of a sample."""
    assert expected == build_snapshot("acme").filter_names(wanted).families
