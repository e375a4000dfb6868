"""The metrics of the exporter itself, before and after those of deployments."""

import math
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.exposition import process
from insights_exporter.exposition.compression import CompressedPiece
from insights_exporter.exposition.family import MetricFamily, Samples
from insights_exporter.exposition.negotiation import Format
from insights_exporter.exposition.process import (
    ProcessMetricsCache,
    collect_process_samples,
    render_process_metrics,
)
from tests.exposition.oracle import print_registry, print_samples

BUILD = MetricFamily(name="cat_build_info", type="gauge", help="The cat.", labels=("version",))


PROCESS = (
    Samples(MetricFamily(name="cats", help='Cats, "C:\\".', labels=("colour", "age")), [(("red", "3"), 5.0)]),
    Samples(MetricFamily(name="purrs_total", type="counter", help="Purrs."), [((), 3e6)]),
)
"""Instead of the metrics of a process."""


def render_text(piece: CompressedPiece) -> bytes:
    """Return the text of a piece."""
    return b"".join(piece.parts)


def render_process() -> bytes:
    """Return the metrics of this process as text."""
    return render_text(render_process_metrics((), collect_process_samples()).tails[Format.TEXT])


def process_values() -> dict[str, float]:
    """Return the values of the process_ metrics by name."""
    metrics = text_string_to_metric_families(render_process().decode())
    return {
        each.name: each.value
        for metric in metrics
        for each in metric.samples
        if each.name.startswith("process_")
    }


def test_metrics_equal_those_of_the_client() -> None:
    """Names, types, HELP texts, labels and constant values are those of prometheus_client."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    expected = print_registry[Format.TEXT](registry).decode()

    text = render_process().decode()

    varying = re.compile(r"^(process_(?:cpu|resident|virtual)\w+|python_gc\w+\{.*\}) .*$", re.MULTILINE)
    assert varying.sub(r"\1", expected) == varying.sub(r"\1", text)


def test_memory_and_time_are_those_of_the_kernel() -> None:
    """The values that vary are close to those of prometheus_client, read just before."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    expected = {each.name: each.value for metric in registry.collect() for each in metric.samples}

    values = process_values()

    assert expected == {name: pytest.approx(values[name], rel=0.1, abs=0.1) for name in expected}


def test_without_proc_there_are_python_metrics_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Systems without Linux's /proc have no process_ metrics."""
    monkeypatch.setattr(process, "_PROC", tmp_path)

    assert {"python"} == {each.family.name.partition("_")[0] for each in collect_process_samples()}


def test_unlimited_descriptors_are_infinite(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit of open files is +Inf."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    values = process_values()

    assert math.inf == values["process_max_fds"]


@pytest.mark.parametrize("format_", Format)
def test_text_equals_that_of_the_client(format_: Format) -> None:
    """The samples are as prometheus_client prints them, with `# EOF` in OpenMetrics."""
    expected = print_samples(format_, {each.family: [("", each)] for each in PROCESS})

    assert expected == render_text(render_process_metrics((), PROCESS).tails[format_])


def test_own_samples_are_first() -> None:
    """The exporter's own families precede the page, and those of the registry follow it."""
    tail = render_process_metrics([Samples(BUILD, [(("1.0",), 1)])], PROCESS)

    assert (
        b'# HELP cat_build_info The cat.\n# TYPE cat_build_info gauge\ncat_build_info{version="1.0"} 1.0\n'
        == render_text(tail.heads[Format.TEXT])
        == render_text(tail.heads[Format.OPENMETRICS])
    )
    assert render_text(tail.tails[Format.TEXT]).startswith(b"# HELP cats")


def test_own_samples_can_be_selected() -> None:
    """Families before the page are selected by name like those after it."""
    tail = render_process_metrics([Samples(BUILD, [(("1.0",), 1)])], PROCESS)
    chosen = tail.filter_names({"cat_build_info"})

    assert render_text(tail.heads[Format.TEXT]) == render_text(chosen.heads[Format.TEXT])
    assert b"" == render_text(tail.filter_names({"cats"}).heads[Format.TEXT])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("cats", [b"cats"]), ("purrs", [b"purrs"]), ("purrs_total", [b"purrs"]), ("dogs", [])],
)
def test_process_metrics_can_be_selected(wanted: str, expected: list[bytes]) -> None:
    """Families are selected by their own name or that of a sample; `# EOF` stays."""
    data = render_text(render_process_metrics((), PROCESS).filter_names([wanted]).tails[Format.OPENMETRICS])

    assert expected == [line.split()[2] for line in data.splitlines() if line.startswith(b"# TYPE")]
    assert data.endswith(b"# EOF\n")


def test_process_metrics_are_cached_for_a_second() -> None:
    """Within a second they are the same object, then new."""
    times: Iterator[float] = iter([10.0, 10.9, 11.0, 12.5])
    source = ProcessMetricsCache(process=lambda: PROCESS, clock=lambda: next(times))

    first, same, second, third = (source() for _ in range(4))

    assert first is same
    assert len({id(first), id(second), id(third)}) == 3


def test_own_samples_are_current() -> None:
    """The exporter's own samples are read at each rendering."""
    times, versions = iter([0.0, 5.0]), iter(["1.0", "1.1"])
    source = ProcessMetricsCache(
        lambda: [Samples(BUILD, [((next(versions),), 1)])], clock=lambda: next(times)
    )

    assert b'version="1.0"' in render_text(source().heads[Format.TEXT])
    assert b'version="1.1"' in render_text(source().heads[Format.TEXT])
