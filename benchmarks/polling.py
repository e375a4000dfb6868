"""Cost of a poll compared with prometheus_client, and its growth with the number of series."""

import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.measure import compute_slope
from benchmarks.poll_cost import BaselineCosts, Costs
from benchmarks.results import Section, Verdict, format_mib, format_ms, format_ratio
from benchmarks.servers import build_environment
from benchmarks.sizes import Sizes

_MIN_RATIO = 15
_MAX_SLOPE = 1.1
_GROWTH_ROUNDS = 3


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Compare one size with prometheus_client, then measure many sizes."""
    yield _compare_with_client(
        _measure_costs(directory, sizes.users, sizes.conversions), _measure_baseline(directory, sizes)
    )
    found = [_measure_costs(directory, users, _GROWTH_ROUNDS) for users in sizes.growth]
    yield _build_growth_section(
        sizes.growth, [min(each.seconds) for each in found], [each.memory for each in found]
    )


def _measure_costs(directory: Path, users: int, rounds: int) -> Costs:
    return msgspec.json.decode(_run(directory, f"{users}", f"{rounds}"), type=Costs)


def _measure_baseline(directory: Path, sizes: Sizes) -> BaselineCosts:
    output = _run(directory, f"{sizes.users}", f"{sizes.conversions}", "baseline")
    return msgspec.json.decode(output, type=BaselineCosts)


def _run(directory: Path, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "benchmarks.poll_cost", *arguments]
    return subprocess.run(command, check=True, capture_output=True, env=build_environment(directory)).stdout


def _compare_with_client(costs: Costs, client: BaselineCosts) -> Section:
    ours, baseline, both = map(statistics.median, (costs.seconds, client.text, client.both))
    rows = [
        ("program", "response bodies", "CPU time", "ratio"),
        ("insights-exporter", "text and OpenMetrics, plain and gzip", format_ms(ours), "1"),
        ("prometheus_client", "text, plain and gzip", format_ms(baseline), format_ratio(baseline, ours)),
        (
            "prometheus_client",
            "text and OpenMetrics, plain and gzip",
            format_ms(both),
            format_ratio(both, ours),
        ),
    ]
    note = (
        "From Coder's response in memory to finished response bodies, each program in its own "
        "process. The baseline is json.loads, Gauge.labels().set(), generate_latest and gzip.compress; the "
        "exporter also computes the distributions over all users."
    )
    target = f"poll to published bodies: at least {_MIN_RATIO} x less CPU time than prometheus_client"
    reached = f"{format_ratio(baseline, ours)} x ({format_ratio(both, ours)} x for both formats)"
    return Section("A poll", rows, [note], [Verdict(target, reached, baseline >= _MIN_RATIO * ours)])


def _build_growth_section(users: Sequence[int], seconds: Sequence[float], memory: Sequence[int]) -> Section:
    rows = [("series", "poll to published bodies", "per series", "memory", "per series")]
    for count, time, size in zip(users, seconds, memory, strict=True):
        series = 2 * count
        each = f"{time / series * 1e6:.2f} us", f"{size / series:.0f} B"
        rows.append((f"{series}", format_ms(time), each[0], format_mib(size), each[1]))
    verdicts = []
    for name, values in (("CPU time", seconds), ("memory", memory)):
        steep = compute_slope(users, values)
        target = f"{name} of a poll from {2 * users[0]} to {2 * users[-1]} series: slope at most {_MAX_SLOPE}"
        verdicts.append(Verdict(target, f"{steep:.2f}", steep <= _MAX_SLOPE))
    note = (
        "Each size in a new process. Memory is the peak of the process above its memory before the first "
        "poll; slopes are those of the regression lines on log-log axes."
    )
    return Section("Growth", rows, [note], verdicts)
