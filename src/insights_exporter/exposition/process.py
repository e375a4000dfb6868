"""The metrics of the exporter itself, before and after those of deployments, at most a second old."""

import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, GCCollector, Metric, PlatformCollector, ProcessCollector

from insights_exporter.exposition.compression import CompressedPiece, compress
from insights_exporter.exposition.family import MetricFamily, MetricType, Samples
from insights_exporter.exposition.negotiation import ENDINGS, Format
from insights_exporter.exposition.text import RenderedFamily, build_header_sections, is_selected, render_all

OwnSamples = Callable[[], Iterable[Samples]]
"""Returns the samples about the exporter itself, which have no `deployment` label."""

_MAX_AGE = 1.0  # seconds


@dataclass(frozen=True)
class ProcessMetrics:
    """The first and the last families of a response."""

    first: Sequence[RenderedFamily] = ()
    last: Sequence[RenderedFamily] = ()
    _ends: dict[Format, tuple[CompressedPiece, CompressedPiece]] = field(
        default_factory=dict, init=False, compare=False
    )

    def encode(self, format_: Format) -> tuple[CompressedPiece, CompressedPiece]:
        """Return the head and the tail of a body, compressed on the first call for a format."""
        if format_ not in self._ends:
            head = compress(_join_body(self.first, format_))
            tail = compress(_join_body(self.last, format_) + ENDINGS[format_], last=True)
            self._ends[format_] = (head, tail)
        return self._ends[format_]

    def filter_names(self, wanted: Collection[str]) -> "ProcessMetrics":
        """Return the families that have, or one of whose samples has, such a name."""
        first, last = (
            [each for each in families if is_selected(each.family, wanted)]
            for families in (self.first, self.last)
        )
        return ProcessMetrics(first, last)


def process_registry() -> CollectorRegistry:
    """Return a registry with the usual process_ and python_ metrics."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class ProcessMetricsCache:
    """Returns the process metrics, rendered again if the last ones are a second old."""

    def __init__(
        self,
        registry: CollectorRegistry,
        own: OwnSamples = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._own = own
        self._clock = clock
        self._metrics = ProcessMetrics()
        self._rendered_at = -math.inf

    def __call__(self) -> ProcessMetrics:
        """Return the present metrics."""
        now = self._clock()
        if now - self._rendered_at >= _MAX_AGE:
            self._metrics = render_process_metrics(self._registry, self._own())
            self._rendered_at = now
        return self._metrics


def render_process_metrics(registry: CollectorRegistry, own: Iterable[Samples] = ()) -> ProcessMetrics:
    """Return the exporter's own samples, first, and the registry's gauges and counters, last."""
    return ProcessMetrics(render_all(own, ""), render_all(map(_convert_metric, registry.collect()), ""))


def _convert_metric(metric: Metric) -> Samples:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = tuple(metric.samples[0].labels) if metric.samples else ()
    metric_type: MetricType = "counter" if metric.type == "counter" else "gauge"
    family = MetricFamily(name=name, type=metric_type, help=metric.documentation, labels=labels)
    rows = [(tuple(sample.labels.values()), sample.value) for sample in metric.samples if sample.name == name]
    return Samples(family, rows)


def _join_body(families: Iterable[RenderedFamily], format_: Format) -> bytes:
    sections = [
        header + each.sections[run]
        for each in families
        for header, run in build_header_sections(each.family)[format_]
    ]
    return b"".join(sections)
