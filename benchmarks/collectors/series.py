"""Series of an exposition, series that arrived in a collector, and the difference."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from prometheus_client.parser import text_string_to_metric_families

DATA, OWN = "coder_insights_", "insights_exporter_"
_PREFIXES = (DATA, OWN, "process_", "python_")
_TOLERANCE = 1e-12
"""Relative: some stores keep 15 digits of a value."""


class Series(NamedTuple):
    """The name and the labels of a series; a label without a value is no label."""

    name: str
    labels: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, name: str, labels: Mapping[str, str]) -> Self:
        """Return the series with these labels; `le` is compared as a number."""
        normalized = {key: str(float(value)) if key == "le" else value for key, value in labels.items()}
        return cls(name, frozenset((key, value) for key, value in normalized.items() if value))


class Received(NamedTuple):
    """A series in a collector; `counter` if the collector sends its increases, not its value."""

    series: Series
    value: float
    counter: bool = False


class ExpectedSeries(NamedTuple):
    """The expected value of a series; None if it changed during the comparison."""

    value: float | None
    counter: bool


Exposition = Mapping[Series, ExpectedSeries]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The series of an exposition by their state in a collector, and those only the collector has."""

    same: Sequence[Series] = field(default_factory=tuple)
    lost: Sequence[Series] = field(default_factory=tuple)
    changed: Sequence[Series] = field(default_factory=tuple)
    increases: Sequence[Series] = field(default_factory=tuple)
    """Gauges of which the collector sends increases."""
    invented: Sequence[Series] = field(default_factory=tuple)


def parse(text: str) -> Exposition:
    """Return the series of an exposition in the text format."""
    return dict(_iter_series(text))


def _iter_series(text: str) -> Iterator[tuple[Series, ExpectedSeries]]:
    for family in text_string_to_metric_families(text):
        counter = family.type in {"counter", "histogram"} and not family.name.startswith(DATA)
        for sample in family.samples:
            yield Series.of(sample.name, sample.labels), ExpectedSeries(sample.value, counter)


def merge_expositions(before: Exposition, after: Exposition) -> Exposition:
    """Return the series that are in both expositions; a value that changed in between is None."""
    return {
        series: expected if expected == after[series] else expected._replace(value=None)
        for series, expected in before.items()
        if series in after
    }


def compare(expected: Exposition, arrived: Iterable[Received]) -> Comparison:
    """Compare the expected series with those of a collector; find the series it invented."""
    found = {arrival.series: arrival for arrival in arrived}
    groups: dict[str, list[Series]] = {}
    for series, wanted in expected.items():
        groups.setdefault(_classify(wanted, found.get(series)), []).append(series)
    invented = [series for series in found if series not in expected and series.name.startswith(_PREFIXES)]
    return Comparison(**groups, invented=invented)


def filter_buckets(series: Iterable[Series]) -> list[Series]:
    """Return the buckets of gauge histograms."""
    return [each for each in series if each.name.startswith(DATA) and each.name.endswith("_bucket")]


def list_names(series: Iterable[Series]) -> list[str]:
    """Return the sorted, distinct names of series."""
    return sorted({each.name for each in series})


def _classify(wanted: ExpectedSeries, arrival: Received | None) -> str:
    if arrival is None:
        return "lost"
    if arrival.counter and not wanted.counter:
        return "increases"
    if wanted.value is None or math.isclose(wanted.value, arrival.value, rel_tol=_TOLERANCE):
        return "same"
    return "changed"
