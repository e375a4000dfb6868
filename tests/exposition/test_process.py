"""The metrics of the exporter itself, before and after those of deployments."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from insights_exporter.exposition.compression import CompressedPiece
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.process import ProcessMetricsCache, process_registry, render_process_metrics
from tests.exposition.oracle import print_registry

BUILD = MetricFamily(name="cat_build_info", type="gauge", help="The cat.", labels=("version",))


def render_text(piece: CompressedPiece) -> bytes:
    """Return the text of a piece."""
    return b"".join(piece.parts)


@pytest.fixture
def registry() -> CollectorRegistry:
    """Return a registry with a gauge and a counter."""
    registry = CollectorRegistry()
    Gauge("cats", 'Cats, "C:\\".', ["colour", "age"], registry=registry).labels("red", "3").set(5)
    Counter("purrs", "Purrs.", registry=registry).inc(3e6)
    return registry


def test_text_equals_that_of_the_client(registry: CollectorRegistry) -> None:
    """The samples of the registry are as prometheus_client prints them, without `_created`."""
    expected = print_registry[Format.TEXT](registry).split(b"# HELP purrs_created")[0]

    assert expected == render_text(render_process_metrics(registry).encode(Format.TEXT)[1])


def test_openmetrics_ends_with_eof(registry: CollectorRegistry) -> None:
    """The last line of an OpenMetrics response is `# EOF`."""
    lines = print_registry[Format.OPENMETRICS](registry).splitlines(keepends=True)
    expected = b"".join(line for line in lines if not line.startswith(b"purrs_created"))

    assert expected == render_text(render_process_metrics(registry).encode(Format.OPENMETRICS)[1])


def test_own_samples_are_first(registry: CollectorRegistry) -> None:
    """The exporter's own families precede the page, and those of the registry follow it."""
    metrics = render_process_metrics(registry, [Samples(BUILD, [(("1.0",), 1)])])
    head, tail = metrics.encode(Format.TEXT)

    assert (
        b'# HELP cat_build_info The cat.\n# TYPE cat_build_info gauge\ncat_build_info{version="1.0"} 1.0\n'
        == render_text(head)
        == render_text(metrics.encode(Format.OPENMETRICS)[0])
    )
    assert render_text(tail).startswith(b"# HELP cats")


def test_own_samples_can_be_selected(registry: CollectorRegistry) -> None:
    """Families before the page are selected by name like those after it."""
    metrics = render_process_metrics(registry, [Samples(BUILD, [(("1.0",), 1)])])
    chosen = metrics.filter_names({"cat_build_info"})

    assert render_text(metrics.encode(Format.TEXT)[0]) == render_text(chosen.encode(Format.TEXT)[0])
    assert b"" == render_text(metrics.filter_names({"cats"}).encode(Format.TEXT)[0])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("cats", [b"cats"]), ("purrs", [b"purrs"]), ("purrs_total", [b"purrs"]), ("dogs", [])],
)
def test_process_metrics_can_be_selected(
    registry: CollectorRegistry, wanted: str, expected: list[bytes]
) -> None:
    """Families are selected by their own name or that of a sample; `# EOF` stays."""
    data = render_text(render_process_metrics(registry).filter_names([wanted]).encode(Format.OPENMETRICS)[1])

    assert expected == [line.split()[2] for line in data.splitlines() if line.startswith(b"# TYPE")]
    assert data.endswith(b"# EOF\n")


def test_usual_process_metrics_are_there() -> None:
    """The usual process_ and python_ metrics are exposed."""
    text = render_text(render_process_metrics(process_registry()).encode(Format.TEXT)[1])

    for name in (
        b"process_cpu_seconds_total",
        b"process_resident_memory_bytes",
        b"python_info{",
        b"python_gc_",
    ):
        assert b"\n" + name in text


def test_process_metrics_are_cached_for_a_second(registry: CollectorRegistry) -> None:
    """Within a second they are the same object, then new."""
    times: Iterator[float] = iter([10.0, 10.9, 11.0, 12.5])
    source = ProcessMetricsCache(registry, clock=lambda: next(times))

    first, same, second, third = (source() for _ in range(4))

    assert first is same
    assert len({id(first), id(second), id(third)}) == 3
    assert first.encode(Format.TEXT) is first.encode(Format.TEXT)


def test_own_samples_are_current(registry: CollectorRegistry) -> None:
    """The exporter's own samples are read at each rendering."""
    times, versions = iter([0.0, 5.0]), iter(["1.0", "1.1"])
    source = ProcessMetricsCache(
        registry, lambda: [Samples(BUILD, [((next(versions),), 1)])], clock=lambda: next(times)
    )

    assert b'version="1.0"' in render_text(source().encode(Format.TEXT)[0])
    assert b'version="1.1"' in render_text(source().encode(Format.TEXT)[0])
