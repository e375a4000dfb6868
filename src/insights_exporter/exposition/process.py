"""The tail of the page: what changes by itself, at most a second old."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from prometheus_client import CollectorRegistry, GCCollector, Metric, PlatformCollector, ProcessCollector

from insights_exporter.exposition.compression import Piece, last_piece
from insights_exporter.exposition.family import Family, Kind, Samples
from insights_exporter.exposition.negotiation import ENDINGS, Format
from insights_exporter.exposition.text import Chunk, layout, names, render

OwnSamples = Callable[[], Iterable[Samples]]
"""What the exporter has to say of itself, without a `deployment`."""

_MAX_AGE = 1.0  # seconds


@dataclass(frozen=True)
class Tail:
    """The last families of an answer, and its end, in each format."""

    parts: Sequence[tuple[Family, Chunk]]

    @cached_property
    def pieces(self) -> Mapping[Format, Piece]:
        """What ends a body, by format."""
        return {form: last_piece(_body(self.parts, form)) for form in Format}

    def named(self, wanted: Collection[str]) -> "Tail":
        """Return a tail with the families that have, or one of whose samples has, such a name."""
        return Tail([part for part in self.parts if not names(part[0]).isdisjoint(wanted)])


def process_registry() -> CollectorRegistry:
    """Return a registry with the usual process_ and python_ metrics."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class TailSource:
    """Gives the tail, rendered anew when the last one is a second old."""

    def __init__(
        self,
        registry: CollectorRegistry,
        own: OwnSamples = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._own = own
        self._clock = clock
        self._tail = Tail(())
        self._rendered_at: float | None = None

    def __call__(self) -> Tail:
        """Return the tail of now."""
        now = self._clock()
        if self._rendered_at is None or now - self._rendered_at >= _MAX_AGE:
            self._tail = render_tail(self._registry, self._own())
            self._rendered_at = now
        return self._tail


def render_tail(registry: CollectorRegistry, own: Iterable[Samples] = ()) -> Tail:
    """Return a tail of the exporter's own samples and the registry's gauges and counters."""
    samples = [*own, *(_samples(metric) for metric in registry.collect())]
    return Tail([(one.family, render(one, "")) for one in samples if one.rows])


def _samples(metric: Metric) -> Samples:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = tuple(metric.samples[0].labels) if metric.samples else ()
    kind: Kind = "counter" if metric.type == "counter" else "gauge"
    family = Family(name=name, kind=kind, help=metric.documentation, labels=labels)
    rows = [(tuple(sample.labels.values()), sample.value) for sample in metric.samples if sample.name == name]
    return Samples(family, rows)


def _body(parts: Iterable[tuple[Family, Chunk]], form: Format) -> bytes:
    sections = [header + chunk.runs[run] for family, chunk in parts for header, run in layout(family)[form]]
    return b"".join((*sections, ENDINGS[form]))
