"""Readers of the series that each collector stores or sends."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from benchmarks.collectors.series import Received, Series

_ADDED = frozenset({"instance", "job", "url", "endpoint", "name", "__name__"})
"""Labels that a collector adds, or uses for the name of the series."""


def read_query(found: Iterable[tuple[Mapping[str, str], float]]) -> Sequence[Received]:
    """Return the series of an instant query's result."""
    return [_create_series(labels["__name__"], labels, value) for labels, value in found]


def read_telegraf(documents: Iterable[Any]) -> Sequence[Received]:
    """Return the series of metrics in Telegraf's JSON, the newest value of each."""
    arrivals = (
        _create_series(name, document["tags"], value)
        for document in documents
        for name, value in document["fields"].items()
    )
    return list({arrival.series: arrival for arrival in arrivals}.values())


def read_datadog(metrics: Iterable[tuple[str, str, float, Sequence[str]]]) -> Sequence[Received]:
    """Return the series that Datadog's check sends, from name, type, value and tags."""
    listed = list(metrics)
    histograms = {name.removesuffix(".bucket") for name, *_ in listed if name.endswith(".bucket")}
    return [_read_datadog_metric(histograms, *metric) for metric in listed]


def _read_datadog_metric(
    histograms: Iterable[str], name: str, kind: str, value: float, tags: Sequence[str]
) -> Received:
    base, _, suffix = name.partition(".")
    labels = dict(tag.split(":", 1) for tag in tags)
    if suffix == "count" and base not in histograms:
        suffix = "total"
    if "upper_bound" in labels:
        labels["le"] = labels.pop("upper_bound")
    return _create_series(f"{base}_{suffix}" if suffix else base, labels, value, counter=kind != "gauge")


def read_otlp(documents: Iterable[Any]) -> Sequence[Received]:
    """Return the series of metrics in OTLP's JSON, the newest value of each, named as in Prometheus."""
    arrivals = (
        arrival
        for document in documents
        for resource in document["resourceMetrics"]
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
        for arrival in _read_otlp_metric(metric)
    )
    return list({arrival.series: arrival for arrival in arrivals}.values())


def _read_otlp_metric(metric: Mapping[str, Any]) -> Iterator[Received]:
    name = metric["name"]
    for kind in ("gauge", "sum"):
        for point in metric.get(kind, {}).get("dataPoints", ()):
            if "asDouble" in point:
                yield _create_series(name, _read_attributes(point), point["asDouble"], counter=kind == "sum")
    for point in metric.get("histogram", {}).get("dataPoints", ()):
        labels = _read_attributes(point)
        bounds = [*point.get("explicitBounds", ()), float("inf")]
        for bound, count in zip(bounds, accumulate(map(int, point["bucketCounts"])), strict=True):
            yield _create_series(f"{name}_bucket", {**labels, "le": str(bound)}, count, counter=True)
        yield _create_series(f"{name}_count", labels, int(point["count"]), counter=True)
        yield _create_series(f"{name}_sum", labels, point.get("sum", 0.0), counter=True)


def _read_attributes(point: Mapping[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"]["stringValue"] for each in point.get("attributes", ())}


def _create_series(name: str, labels: Mapping[str, str], value: float, *, counter: bool = False) -> Received:
    own_labels = {key: text for key, text in labels.items() if key not in _ADDED}
    return Received(Series.of(name, own_labels), value, counter)
