"""HELP and TYPE, and the names that select a family."""

import pytest

from insights_exporter.exposition.family import MetricFamily, MetricType
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.text import build_header_sections, is_selected


def family(metric_type: MetricType, name: str = "naps") -> MetricFamily:
    """Declare a family."""
    return MetricFamily(
        name=name, type=metric_type, help='C:\\naps\n"all"', bounds=(1,) if "histogram" in metric_type else ()
    )


def test_help_is_escaped_for_each_format() -> None:
    """Only OpenMetrics escapes quotes."""
    shown = build_header_sections(family("gauge"))

    assert [(b'# HELP naps C:\\\\naps\\n"all"\n# TYPE naps gauge\n', 0)] == shown[Format.TEXT]
    assert [(b'# HELP naps C:\\\\naps\\n\\"all\\"\n# TYPE naps gauge\n', 0)] == shown[Format.OPENMETRICS]


def test_counter_loses_its_suffix_in_openmetrics() -> None:
    """In OpenMetrics the family has no `_total`, its samples do."""
    shown = build_header_sections(family("counter", "naps_total"))

    assert b"# TYPE naps_total counter\n" == shown[Format.TEXT][0][0].splitlines(keepends=True)[1]
    assert b"# TYPE naps counter\n" == shown[Format.OPENMETRICS][0][0].splitlines(keepends=True)[1]


def test_gauge_histogram_is_three_families_in_text() -> None:
    """The text format has no gauge histogram: count and sum, which may fall, are gauges."""
    types = [
        header.splitlines()[1] for header, _ in build_header_sections(family("gaugehistogram"))[Format.TEXT]
    ]

    assert [b"# TYPE naps histogram", b"# TYPE naps_gcount gauge", b"# TYPE naps_gsum gauge"] == types


@pytest.mark.parametrize("format_", Format)
def test_gauge_histogram_is_three_gauges_on_demand(format_: Format) -> None:
    """Buckets, count and sum are gauges, each under the name of its samples."""
    sections = build_header_sections(family("gaugehistogram"), gauges=True)[format_]

    assert [
        (b"# TYPE naps_bucket gauge", 0),
        (b"# TYPE naps_gcount gauge", 1),
        (b"# TYPE naps_gsum gauge", 2),
    ] == [(header.splitlines()[1], run) for header, run in sections]


@pytest.mark.parametrize("metric_type", ["gauge", "counter", "histogram"])
def test_other_families_are_unchanged(metric_type: MetricType) -> None:
    """Only gauge histograms are exposed differently as gauges."""
    assert build_header_sections(family(metric_type)) == build_header_sections(
        family(metric_type), gauges=True
    )


@pytest.mark.parametrize(
    ("metric_type", "name", "expected"),
    [
        ("gauge", "naps", {"naps"}),
        ("counter", "naps_total", {"naps", "naps_total"}),
        ("histogram", "naps", {"naps", "naps_bucket", "naps_count", "naps_sum"}),
        ("gaugehistogram", "naps", {"naps", "naps_bucket", "naps_gcount", "naps_gsum"}),
    ],
)
def test_family_is_selected_by_the_names_of_its_samples(
    metric_type: MetricType, name: str, expected: set[str]
) -> None:
    """A family is selected by its own name and by those of its samples, and by no other."""
    suffixes = ("", "_total", "_bucket", "_count", "_sum", "_gcount", "_gsum", "_created")
    names = {f"naps{suffix}" for suffix in suffixes}

    assert expected == {each for each in names if is_selected(family(metric_type, name), [each])}
