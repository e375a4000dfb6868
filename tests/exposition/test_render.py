"""Samples are rendered to the same bytes as by prometheus_client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.exposition.family import HistogramValue, MetricFamily, SampleRow, Samples
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.text import RenderedFamily, build_header_sections, render
from tests.exposition.oracle import sample_lines
from tests.exposition.strategies import TEXTS, families, samples

NAPS = MetricFamily(
    name="naps_seconds", type="gauge", help="Naps.", labels=("deployment", "window", "cat", "age")
)
NAP_LENGTHS = MetricFamily(
    name="nap_seconds", type="gaugehistogram", help="Naps.", labels=("deployment", "window"), bounds=(1, 2.5)
)


def render_text(format_: Format, given: Samples, deployment: str) -> bytes:
    """Return the lines of a rendered family in a format."""
    part = render(given, deployment)
    return b"".join(part.sections[run] for _, run in build_header_sections(given.family)[format_])


@pytest.mark.parametrize("format_", Format)
@given(given_samples=families().flatmap(samples), deployment=TEXTS)
def test_lines_equal_those_of_the_client(format_: Format, given_samples: Samples, deployment: str) -> None:
    """For every type, label and value, each byte is as prometheus_client prints it."""
    assert sample_lines(format_, given_samples, deployment) == render_text(format_, given_samples, deployment)


def test_labels_are_sorted() -> None:
    """Labels are sorted by name, the deployment among them."""
    part = render(Samples(NAPS, [(("7d", "Tom", "3"), 5)]), "acme")

    assert (b'naps_seconds{age="3",cat="Tom",deployment="acme",window="7d"} 5.0\n',) == part.sections


def test_escaping_one_row_changes_no_other() -> None:
    """Of thousands of rows, the one with special characters is escaped."""
    rows: list[SampleRow] = [(("7d", f"Tom {n}", '"'[: n == 4321]), n) for n in range(5000)]

    (run,) = render(Samples(NAPS, rows), "acme").sections

    lines = run.splitlines()
    assert b'naps_seconds{age="\\"",cat="Tom 4321",deployment="acme",window="7d"} 4321.0' == lines[4321]
    assert b'naps_seconds{age="",cat="Tom 4322",deployment="acme",window="7d"} 4322.0' == lines[4322]
    assert 5000 == len(lines)


def test_lone_surrogate_is_replaced() -> None:
    """A lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    (run,) = render(Samples(NAPS, [(("7d", "\ud83d", "3"), 5)]), "acme").sections

    assert b'naps_seconds{age="3",cat="?",deployment="acme",window="7d"} 5.0\n' == run


def test_gauge_histogram_has_a_section_for_each_family() -> None:
    """Buckets, counts and sums are sections of the text format, and row by row in OpenMetrics."""
    given_samples = Samples(
        NAP_LENGTHS,
        [(("7d",), HistogramValue((1, 2, 3), 6.5)), (("30d",), HistogramValue((0, 0, 1), 9))],
    )

    buckets, counts, sums, together = (run.splitlines() for run in render(given_samples, "acme").sections)

    assert b'nap_seconds_bucket{deployment="acme",le="2.5",window="7d"} 2.0' == buckets[1]
    assert [
        b'nap_seconds_gcount{deployment="acme",window="%s"} %s' % (w, v)
        for w, v in [(b"7d", b"3.0"), (b"30d", b"1.0")]
    ] == counts
    assert [*buckets[:3], counts[0], sums[0], *buckets[3:], counts[1], sums[1]] == together


@pytest.mark.parametrize("labels", [("7d",), ("7d", "Tom", "3", "odd")], ids=["too few", "too many"])
def test_row_must_have_a_value_for_each_label(labels: tuple[str, ...]) -> None:
    """A row with the labels of another family is rejected."""
    with pytest.raises(ValueError, match="label values where there are"):
        render(Samples(NAPS, [(labels, 5)]), "acme")


def test_distribution_must_have_a_count_for_each_bucket() -> None:
    """A distribution with other bounds is rejected."""
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        render(Samples(NAP_LENGTHS, [(("7d",), HistogramValue((1, 2), 3))]), "acme")


@given(families().flatmap(samples))
def test_series_are_counted_as_prometheus_counts_them(given_samples: Samples) -> None:
    """Each line is a series."""
    part = render(given_samples, "acme")

    assert part.sections[-1].count(b"\n") == part.series == given_samples.series


@given(families().flatmap(lambda family: st.tuples(samples(family), samples(family))))
def test_parts_are_the_same_if_their_bytes_are(pair: tuple[Samples, Samples]) -> None:
    """Two parts are the same if and only if they have the same lines."""
    one, other = (render(each, "acme") for each in pair)

    assert (one.sections == other.sections) == one.has_same_bytes(other)


def test_equal_checksums_do_not_make_parts_the_same() -> None:
    """Two texts with one CRC-32 are compared by their bytes."""
    assert not RenderedFamily(NAPS, (b"Tom",), (7,), 1).has_same_bytes(
        RenderedFamily(NAPS, (b"Max",), (7,), 1)
    )
