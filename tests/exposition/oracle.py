"""What prometheus_client prints, with which the rendering is compared."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.utils import floatToGoString

from insights_exporter.exposition.family import HistogramRow, MetricFamily, SampleRow, Samples
from insights_exporter.exposition.negotiation import Format

format_with_client = cast("Callable[[float], str]", floatToGoString)
print_registry = cast(
    "Mapping[Format, Callable[[CollectorRegistry], bytes]]",
    {Format.TEXT: generate_latest, Format.OPENMETRICS: generate_openmetrics},
)

_PLAIN: Mapping[str, type[GaugeMetricFamily | CounterMetricFamily]] = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
}
_DISTRIBUTION: Mapping[str, type[HistogramMetricFamily | GaugeHistogramMetricFamily]] = {
    "histogram": HistogramMetricFamily,
    "gaugehistogram": GaugeHistogramMetricFamily,
}


class _Given:
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def print_samples(format_: Format, everything: Mapping[MetricFamily, Sequence[tuple[str, Samples]]]) -> bytes:
    """Print families, each with the samples of some deployments."""
    registry = CollectorRegistry()
    registry.register(_Given([_metric(family, given) for family, given in everything.items()]))
    return print_registry[format_](registry)


def sample_lines(format_: Format, samples: Samples, deployment: str) -> bytes:
    """Print one family without HELP and TYPE."""
    page = print_samples(format_, {samples.family: [(deployment, samples)]})
    return re.sub(rb"^#[^\n]*\n", b"", page, flags=re.MULTILINE)


def _metric(family: MetricFamily, given: Sequence[tuple[str, Samples]]) -> Metric:
    rows = [
        ((deployment, *labels) if family.labels[:1] == ("deployment",) else labels, value)
        for deployment, samples in given
        for labels, value in samples.rows
    ]
    if family.type in _DISTRIBUTION:
        return _distributions(family, cast("Sequence[HistogramRow]", rows))
    metric = _PLAIN[family.type](family.name, family.help, labels=family.labels)
    for labels, value in cast("Sequence[SampleRow]", rows):
        metric.add_metric(labels, value)
    return metric


def _distributions(family: MetricFamily, rows: Iterable[HistogramRow]) -> Metric:
    bounds = [*map(format_with_client, family.bounds), "+Inf"]
    metric = _DISTRIBUTION[family.type](family.name, family.help, labels=family.labels)
    for labels, value in rows:
        metric.add_metric(labels, list(zip(bounds, value.counts, strict=True)), value.total)
    return metric
