"""Hypothesis strategies for families and samples of every type."""

from hypothesis import strategies as st

from insights_exporter.exposition.family import Columns, HistogramValue, MetricFamily, MetricType, Samples

NUMBERS = st.floats() | st.integers(-(2**60), 2**60) | st.integers(0, 10_000_000).map(float)
"""Any value a sample may have, whole and large ones often."""

TEXTS = st.text(max_size=8) | st.text('\\"\n{}=,aé', max_size=8)
"""Any label value, special characters often."""

_LABELS = st.lists(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,5}", fullmatch=True), unique=True, max_size=4)
_BOUNDS = st.lists(st.floats(0, 1e9, exclude_min=True), unique=True, min_size=1, max_size=4).map(sorted)


@st.composite
def families(
    draw: st.DrawFn, types: tuple[MetricType, ...] = ("gauge", "counter", "histogram", "gaugehistogram")
) -> MetricFamily:
    """Draw a family, with or without a deployment."""
    metric_type = draw(st.sampled_from(types))
    labels = [label for label in draw(_LABELS) if label not in ("deployment", "le")]
    return MetricFamily(
        name="naps_total" if metric_type == "counter" else "naps_seconds",
        type=metric_type,
        help=draw(TEXTS),
        labels=(*draw(st.sampled_from([("deployment",), ()])), *labels),
        bounds=tuple(draw(_BOUNDS)) if metric_type.endswith("histogram") else (),
    )


@st.composite
def samples(draw: st.DrawFn, family: MetricFamily) -> Samples:
    """Draw a few rows of a family, as tuples or as columns."""
    free = len(family.labels) - (family.labels[:1] == ("deployment",))
    labels = st.tuples(*[TEXTS] * free)
    values = _distributions(len(family.bounds) + 1) if family.bounds else NUMBERS
    rows = draw(st.lists(st.tuples(labels, values), max_size=4))
    as_columns = not family.bounds and draw(st.booleans())
    return Samples(family, Columns.from_rows(rows) if as_columns else rows)


def _distributions(buckets: int) -> st.SearchStrategy[HistogramValue]:
    counts = st.lists(st.integers(0, 2_000_000), min_size=buckets, max_size=buckets)
    return st.builds(HistogramValue, counts.map(sorted).map(tuple), NUMBERS)
