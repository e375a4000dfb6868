"""Rendering: the samples of a family become lines of the text and OpenMetrics formats."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from io import BytesIO
from math import isnan
from typing import cast

import msgspec
from isal import isal_zlib

from insights_exporter.exposition.family import (
    Columns,
    HistogramRow,
    MetricFamily,
    MetricType,
    SampleRow,
    Samples,
)
from insights_exporter.exposition.negotiation import Format

# Python and JSON format numbers below _TINY differently. Go writes an
# exponent from _HUGE up, Python itself from _VAST up.
_TINY, _HUGE, _VAST = 1e-4, 1e6, 1e16
_ENCODE_ERRORS = "replace"
"""A lone surrogate, which UTF-8 cannot hold, becomes `?`."""
_NOT_FINITE: Mapping[str, str] = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def escape_label(text: str) -> str:
    """Return a label value escaped for its quotes."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def format_value(value: float) -> str:
    """Return a number as the Prometheus clients format it."""
    number = float(value)
    text = repr(number)
    if _HUGE <= number < _VAST:  # 1234500.0 is 1.2345e+06
        whole, _, fraction = text.partition(".")
        return f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.") + f"e+{len(whole) - 1:02d}"
    return _NOT_FINITE.get(text, text)


def format_values(values: Sequence[float]) -> list[str]:
    """Return many numbers as `format_value` does, several times faster.

    A JSON encoder formats all of them in one call, and most of them the same
    way; the others are formatted one by one.
    """
    numbers = list(map(float, values))
    texts = msgspec.json.encode(numbers)[1:-1].decode().split(",")
    if numbers and min(numbers) >= _TINY and max(numbers) < _HUGE and not isnan(sum(numbers)):
        return texts
    return [
        text if _TINY <= number < _HUGE or number == 0 else format_value(number)
        for number, text in zip(numbers, texts, strict=False)
    ]


def build_line_template(name: str, labels: Sequence[str], deployment: str) -> tuple[list[str], list[int]]:
    """Return the gaps of a sample name's lines, and which of a row's label values follow them.

    A line is a gap, a label value, a gap, a label value, ..., a gap, a value, with the labels sorted by name.
    If the first label is `deployment`, it is a part of the gaps.
    """
    fixed = {"deployment": escape_label(deployment)} if labels[:1] == ("deployment",) else {}
    free = labels[len(fixed) :]
    gaps, gap = [], f"{name}{{" if labels else name
    for label in sorted(labels):
        gap += f'{label}="'
        if label not in fixed:
            gaps.append(gap)
            gap = ""
        gap += f'{fixed.get(label, "")}",'
    gaps.append(f"{gap[:-1]}}} " if labels else f"{gap} ")
    return gaps, sorted(range(len(free)), key=free.__getitem__)


def format_rows(gaps: Sequence[str], order: Sequence[int], columns: Columns) -> str:
    """Return the lines of all rows, their label values escaped.

    All gaps and values are put in one list and joined at once, which takes
    half the time of formatting each line.

    Raises:
        ValueError: a row has not one value a label.
    """
    if not columns:
        return ""
    if len(columns.labels) != len(order):
        message = f"{len(columns.labels)} label values where there are {len(order)} labels"
        raise ValueError(message)
    line = [part for gap in gaps for part in (gap, "")]
    parts = [*line, "\n"] * len(columns)
    width = len(line) + 1
    for place, index in enumerate(order):
        parts[2 * place + 1 :: width] = _escape_labels(columns.labels[index])
    parts[len(line) - 1 :: width] = format_values(columns.values)
    return "".join(parts)


def _escape_labels(texts: Sequence[str]) -> Sequence[str]:
    """Return label values escaped; most have nothing to escape, and one look at all of them shows it."""
    together = "".join(texts)
    is_plain = not ("\\" in together or '"' in together or "\n" in together)
    return texts if is_plain else [*map(escape_label, texts)]


Section = tuple[bytes, int]
"""HELP and TYPE, and the index of the section of lines below them."""

_SUFFIXES: Mapping[MetricType, tuple[str, ...]] = {
    "gauge": ("",),
    "counter": ("",),
    "histogram": ("_bucket", "_count", "_sum"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
}
"""What follows the name of a family in those of its samples."""
_IN_TEXT: Mapping[str, str] = {"": "histogram", "_gcount": "gauge", "_gsum": "gauge"}
"""The types of a gauge histogram in the text format, which has none."""
_AS_GAUGES: Mapping[str, str] = {"_bucket": "gauge", "_gcount": "gauge", "_gsum": "gauge"}
"""The same for a collector that does not know gauge histograms."""


def list_sample_names(family: MetricFamily) -> Sequence[str]:
    """Return the names of a family's samples."""
    return [family.name + suffix for suffix in _SUFFIXES[family.type]]


def is_selected(family: MetricFamily, names: Collection[str]) -> bool:
    """Return whether one of the names is that of the family or of its samples."""
    return not {family.name, _strip_suffix(family), *list_sample_names(family)}.isdisjoint(names)


def build_header_sections(
    family: MetricFamily, *, gauges: bool = False
) -> Mapping[Format, Sequence[Section]]:
    """Return the sections of a family in each format; with `gauges`, those of a gauge histogram as gauges."""
    plain: Mapping[str, str] = {"": family.type}
    text_types, types, first = plain, plain, 0
    if family.type == "gaugehistogram":
        text_types, types, first = (_AS_GAUGES, _AS_GAUGES, 0) if gauges else (_IN_TEXT, plain, len(_IN_TEXT))
    text_help = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return {
        Format.TEXT: _build_sections(family.name, text_help, text_types),
        Format.OPENMETRICS: _build_sections(_strip_suffix(family), escape_label(family.help), types, first),
    }


def _strip_suffix(family: MetricFamily) -> str:
    """Return the name of a family in OpenMetrics: that of a counter has no `_total`."""
    return family.name.removesuffix("_total") if family.type == "counter" else family.name


def _build_sections(name: str, help_: str, types: Mapping[str, str], first: int = 0) -> Sequence[Section]:
    """Return one section per suffix and its type; `first` is the index of the lines of the first."""
    return [
        (f"# HELP {name}{suffix} {help_}\n# TYPE {name}{suffix} {type_}\n".encode(), index)
        for index, (suffix, type_) in enumerate(types.items(), first)
    ]


# Rows formatted at a time: their lines stay in the processor's cache, and
# other threads can run in between.
_SLICE = 2000


class RenderedFamily(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The sample lines of one family from one source.

    `sections` are its lines, without HELP and TYPE: one section for most
    types, the same in both formats; several for a gauge histogram.
    `build_header_sections` says which format shows which of them. `crcs` are their
    CRC-32; `series` is what Prometheus would count.
    """

    family: MetricFamily
    sections: tuple[bytes, ...]
    crcs: tuple[int, ...]
    series: int

    def has_same_bytes(self, other: "RenderedFamily") -> bool:
        """Return whether both hold the same bytes."""
        return self.crcs == other.crcs and self.sections == other.sections


def render(samples: Samples, deployment: str) -> RenderedFamily:
    """Return the lines of all samples, as prometheus_client would print them.

    Raises:
        ValueError: a row has not one value a label, or not one count a bucket.
    """
    if samples.family.type in ("gauge", "counter"):
        sections = _render_rows(samples, deployment)
    else:
        sections = _render_distributions(samples, deployment)
        sections = sections[-1:] if samples.family.type == "histogram" else sections
    return RenderedFamily(samples.family, sections, tuple(map(isal_zlib.crc32, sections)), samples.series)


def render_all(samples: Iterable[Samples], deployment: str) -> tuple[RenderedFamily, ...]:
    """Return the lines of all families that have any."""
    return tuple(render(each, deployment) for each in samples if len(each.rows))


def _render_rows(samples: Samples, deployment: str) -> tuple[bytes, ...]:
    family, rows = samples.family, cast("Sequence[SampleRow] | Columns", samples.rows)
    gaps, order = build_line_template(family.name, family.labels, deployment)
    text = BytesIO()  # a list of slices would have to be joined
    for at in range(0, len(rows), _SLICE):
        some = rows[at : at + _SLICE]
        columns = some if isinstance(some, Columns) else Columns.from_rows(some)
        text.write(format_rows(gaps, order, columns).encode("utf-8", _ENCODE_ERRORS))
    return (text.getvalue(),)


def _render_distributions(samples: Samples, deployment: str) -> tuple[bytes, ...]:
    """Return the buckets, the counts, the sums, and all three row by row."""
    family, rows = samples.family, cast("Sequence[HistogramRow]", samples.rows)

    def format_lines(name: str, flat: Sequence[SampleRow], extra: tuple[str, ...] = ()) -> list[str]:
        gaps, order = build_line_template(name, (*family.labels, *extra), deployment)
        return [f"{line}\n" for line in format_rows(gaps, order, Columns.from_rows(flat)).split("\n")[:-1]]

    bucket, count, total = list_sample_names(family)
    buckets = format_lines(bucket, _build_bucket_rows(family, rows), ("le",))
    counts = format_lines(count, [(labels, value.counts[-1]) for labels, value in rows])
    totals = format_lines(total, [(labels, value.total) for labels, value in rows])
    width = len(family.bounds) + 1
    together = [
        line
        for n in range(len(rows))
        for line in (*buckets[n * width : (n + 1) * width], counts[n], totals[n])
    ]
    return tuple(
        "".join(part).encode("utf-8", _ENCODE_ERRORS) for part in (buckets, counts, totals, together)
    )


def _build_bucket_rows(family: MetricFamily, rows: Sequence[HistogramRow]) -> list[SampleRow]:
    bounds = [*map(format_value, family.bounds), "+Inf"]
    return [
        ((*labels, bound), count)
        for labels, value in rows
        for bound, count in zip(bounds, value.counts, strict=True)
    ]
