"""Gauge histograms as gauges, for collectors that do not know them."""

import gzip
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.exposition.family import HistogramRow, MetricFamily, SampleRow, Samples
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.page import Page, build_page, build_response
from insights_exporter.exposition.process import ProcessMetrics
from insights_exporter.exposition.store import Snapshot
from insights_exporter.exposition.text import render
from tests.exposition.oracle import format_with_client, print_samples
from tests.exposition.snapshots import NAP_LENGTHS, ROWS, build_snapshot
from tests.exposition.strategies import families, samples

EMPTY = ProcessMetrics()


def body(page: Page, format_: Format) -> bytes:
    """Return the whole plain body."""
    return b"".join(build_response(page, EMPTY, format_, gzip=False).segments)


def render_as_gauges(family: MetricFamily, rows: list[HistogramRow]) -> dict[MetricFamily, list[SampleRow]]:
    """Return the three gauges of a gauge histogram."""
    bounds = [*map(format_with_client, family.bounds), "+Inf"]
    gauges: dict[str, list[SampleRow]] = {
        "_bucket": [
            ((*labels, bound), count)
            for labels, value in rows
            for bound, count in zip(bounds, value.counts, strict=True)
        ],
        "_gcount": [(labels, value.counts[-1]) for labels, value in rows],
        "_gsum": [(labels, value.total) for labels, value in rows],
    }
    return {
        MetricFamily(
            name=family.name + suffix,
            type="gauge",
            help=family.help,
            labels=(*family.labels, "le") if suffix == "_bucket" else family.labels,
        ): found
        for suffix, found in gauges.items()
    }


@pytest.mark.parametrize("format_", Format)
def test_page_equals_that_of_the_client(format_: Format) -> None:
    """Gauge histograms are three gauges, as prometheus_client prints them; all else is unchanged."""
    expected = {
        gauge: [(deployment, Samples(gauge, found)) for deployment in ("acme", "globex")]
        for family, rows in ROWS.items()
        for gauge, found in (
            render_as_gauges(family, list(rows)) if family is NAP_LENGTHS else {family: rows}  # type: ignore[arg-type]  # its rows are distributions
        ).items()
    }

    assert print_samples(format_, expected) == body(
        build_page(build_snapshot("acme", "globex")).with_gauges, format_
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a snapshot of some families."""
    declared = {family.name: family for family in draw(st.lists(families(), min_size=1))}
    source = ("a", "cats", "", "")
    changes = {name: {source: render(draw(samples(family)), "a")} for name, family in declared.items()}
    return Snapshot.create_empty(tuple(declared.values())).apply(changes)


@given(snapshot=snapshots())
def test_sample_lines_are_those_of_the_text_format(snapshot: Snapshot) -> None:
    """Only HELP and TYPE differ from the default response in the text format, compressed or not."""
    page = build_page(snapshot)

    def lines(page: Page, format_: Format) -> list[bytes]:
        return sorted(line for line in body(page, format_).splitlines() if not line.startswith(b"#"))

    for format_ in Format:
        assert lines(page, Format.TEXT) == lines(page.with_gauges, format_)
        packed = b"".join(build_response(page.with_gauges, EMPTY, format_, gzip=True).segments)
        assert body(page.with_gauges, format_) == gzip.decompress(packed)


def test_page_is_built_once() -> None:
    """The first request builds the page, later ones get the same object."""
    page = build_page(build_snapshot("acme"))

    assert not page.has_gauges
    assert page.with_gauges is page.with_gauges
    assert page.has_gauges


def test_compressed_pieces_are_shared() -> None:
    """The pieces of samples are those of the default page."""
    page = build_page(build_snapshot("acme", "globex"))
    pieces = {
        id(piece)
        for block in page.blocks.values()
        for piece in chain(block.headers.values(), *block.groups.values())
    }
    gauges = {
        id(piece)
        for block in page.blocks.values()
        for shown in block.arranged_gauges.values()
        for piece in shown
    }

    assert gauges <= pieces
