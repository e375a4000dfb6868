"""Cost of a poll compared with the usual way, and its growth with size."""

import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.measure import slope
from benchmarks.poll_cost import Costs
from benchmarks.results import Section, Verdict, megabytes, milliseconds, times
from benchmarks.servers import environment
from benchmarks.sizes import Sizes

_MIN_RATIO = 15
_MAX_SLOPE = 1.1
_GROWTH_ROUNDS = 3


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Compare one size with the usual way, then measure many sizes."""
    yield _compare_with_usual(_measure_costs(directory, sizes.users, sizes.conversions, "usual"))
    found = [_measure_costs(directory, users, _GROWTH_ROUNDS) for users in sizes.growth]
    yield _growth_section(sizes.growth, [min(each.ours) for each in found], [each.memory for each in found])


def _measure_costs(directory: Path, users: int, rounds: int, *more: str) -> Costs:
    command = [sys.executable, "-m", "benchmarks.poll_cost", str(users), str(rounds), *more]
    done = subprocess.run(command, check=True, capture_output=True, env=environment(directory))
    return msgspec.json.decode(done.stdout, type=Costs)


def _compare_with_usual(costs: Costs) -> Section:
    ours, usual, both = map(statistics.median, (costs.ours, costs.usual, costs.usual_both))
    rows = [
        ("way", "bodies", "processor time", "times ours"),
        ("insights-exporter", "text and OpenMetrics, plain and gzip", milliseconds(ours), "1"),
        ("the usual way", "text, plain and gzip", milliseconds(usual), times(usual, ours)),
        ("the usual way", "text and OpenMetrics, plain and gzip", milliseconds(both), times(both, ours)),
    ]
    note = (
        "From Coder's answer in memory to bodies that are ready. The usual way is json.loads, "
        "Gauge.labels().set(), generate_latest and gzip.compress; ours also counts all users' distributions."
    )
    target = f"poll to published bodies: at least {_MIN_RATIO} x less processor time than the usual way"
    reached = f"{times(usual, ours)} x ({times(both, ours)} x where that makes both formats, as ours does)"
    return Section("A poll", rows, [note], [Verdict(target, reached, usual >= _MIN_RATIO * ours)])


def _growth_section(users: Sequence[int], seconds: Sequence[float], memory: Sequence[int]) -> Section:
    rows = [("series", "poll to published bodies", "a series", "memory", "a series")]
    for count, time, size in zip(users, seconds, memory, strict=True):
        series = 2 * count
        each = f"{time / series * 1e6:.2f} us", f"{size / series:.0f} B"
        rows.append((f"{series}", milliseconds(time), each[0], megabytes(size), each[1]))
    verdicts = []
    for name, values in (("processor time", seconds), ("memory", memory)):
        steep = slope(users, values)
        target = f"{name} of a poll from {2 * users[0]} to {2 * users[-1]} series: slope at most {_MAX_SLOPE}"
        verdicts.append(Verdict(target, f"{steep:.2f}", steep <= _MAX_SLOPE))
    note = (
        "Each size in a new process. Memory is what the process held at most above what it held before the "
        "first poll; slopes are those of the lines through the logarithms."
    )
    return Section("Growth", rows, [note], verdicts)
