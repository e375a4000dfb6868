"""The metrics of the exporter itself, before and after those of deployments, at most a second old."""

import gc
import math
import os
import platform
import resource
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from insights_exporter.exposition.compression import CompressedPiece, compress
from insights_exporter.exposition.family import MetricFamily, MetricType, Samples
from insights_exporter.exposition.negotiation import ENDINGS, Format
from insights_exporter.exposition.text import RenderedFamily, header_sections, is_selected, render_all

OwnSamples = Callable[[], Iterable[Samples]]
"""Returns the samples about the exporter itself, which have no `deployment` label."""

_MAX_AGE = 1.0  # seconds
_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessMetrics:
    """The first and the last families of a response, and its end, in each format."""

    first: Sequence[RenderedFamily] = ()
    last: Sequence[RenderedFamily] = ()

    @cached_property
    def heads(self) -> Mapping[Format, CompressedPiece]:
        """The beginning of a body, by format."""
        return {format_: compress(_body(self.first, format_)) for format_ in Format}

    @cached_property
    def tails(self) -> Mapping[Format, CompressedPiece]:
        """The end of a body, by format."""
        bodies = {format_: _body(self.last, format_) + ENDINGS[format_] for format_ in Format}
        return {format_: compress(body, last=True) for format_, body in bodies.items()}

    def filter_names(self, wanted: Collection[str]) -> "ProcessMetrics":
        """Return the families that have, or one of whose samples has, such a name."""
        first, last = (
            [each for each in families if is_selected(each.family, wanted)]
            for families in (self.first, self.last)
        )
        return ProcessMetrics(first, last)


def collect_process_samples() -> Iterator[Samples]:
    """Yield the process_ and python_ metrics of prometheus_client, whose import takes 1.2 MB.

    Without Linux's `/proc`, there are no process_ metrics.
    """
    with suppress(OSError):
        yield from _collect_from_proc()
    major, minor, patchlevel = platform.python_version_tuple()
    labels = {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "major": major,
        "minor": minor,
        "patchlevel": patchlevel,
    }
    info = MetricFamily(name="python_info", help="Python platform information", labels=tuple(labels))
    yield Samples(info, [(tuple(labels.values()), 1.0)])
    yield _count_per_generation("objects_collected", "Objects collected during gc", "collected")
    yield _count_per_generation(
        "objects_uncollectable", "Uncollectable objects found during GC", "uncollectable"
    )
    yield _count_per_generation("collections", "Number of times this generation was collected", "collections")


def _count_per_generation(name: str, help_text: str, key: str) -> Samples:
    family = MetricFamily(
        name=f"python_gc_{name}_total", type="counter", help=help_text, labels=("generation",)
    )
    rows = [((str(generation),), float(stat[key])) for generation, stat in enumerate(gc.get_stats())]
    return Samples(family, rows)


def _collect_from_proc() -> list[Samples]:
    stat = _read_stat()
    memory = float(stat[21]) * resource.getpagesize()
    cpu = (float(stat[11]) + float(stat[12])) / _TICKS
    open_fds = sum(1 for _ in (_PROC / "self/fd").iterdir())
    max_fds = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    limit = math.inf if max_fds == resource.RLIM_INFINITY else max_fds
    start = _read_start_time()
    return [
        _sample("virtual_memory_bytes", "Virtual memory size in bytes.", float(stat[20])),
        _sample("resident_memory_bytes", "Resident memory size in bytes.", memory),
        _sample("start_time_seconds", "Start time of the process since unix epoch in seconds.", start),
        _sample("cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpu, "counter"),
        _sample("open_fds", "Number of open file descriptors.", open_fds),
        _sample("max_fds", "Maximum number of open file descriptors.", limit),
    ]


def _sample(name: str, help_text: str, value: float, type_: MetricType = "gauge") -> Samples:
    return Samples(MetricFamily(name=f"process_{name}", type=type_, help=help_text), [((), value)])


def _read_stat() -> list[bytes]:
    """Return the fields after the name of the command, beginning with the third one of proc_pid_stat(5)."""
    return (_PROC / "self/stat").read_bytes().rpartition(b")")[2].split()


@cache
def _read_start_time() -> float:
    """Return when the process started; once, since the boot time moves with the clock of the system."""
    lines = (_PROC / "stat").read_bytes().splitlines()
    (boot,) = (line.split()[1] for line in lines if line.startswith(b"btime "))
    return float(boot) + float(_read_stat()[19]) / _TICKS


class ProcessMetricsCache:
    """Returns the process metrics, rendered again if the last ones are a second old."""

    def __init__(
        self,
        own: OwnSamples = tuple,
        process: OwnSamples = collect_process_samples,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = own
        self._process = process
        self._clock = clock
        self._metrics = ProcessMetrics()
        self._rendered_at = -math.inf

    def __call__(self) -> ProcessMetrics:
        """Return the present metrics."""
        now = self._clock()
        if now - self._rendered_at >= _MAX_AGE:
            self._metrics = render_process_metrics(self._own(), self._process())
            self._rendered_at = now
        return self._metrics


def render_process_metrics(own: Iterable[Samples], process: Iterable[Samples]) -> ProcessMetrics:
    """Return the exporter's own samples, first, and those of its process, last."""
    return ProcessMetrics(render_all(own, ""), render_all(process, ""))


def _body(families: Iterable[RenderedFamily], format_: Format) -> bytes:
    sections = [
        header + each.sections[run]
        for each in families
        for header, run in header_sections(each.family)[format_]
    ]
    return b"".join(sections)
