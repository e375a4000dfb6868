"""The same series in one deployment or in many."""

import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.client import Read, in_turns, median
from benchmarks.config import latencies_only
from benchmarks.measure import main_thread_seconds
from benchmarks.results import Section, Verdict, milliseconds, times
from benchmarks.servers import Server, exporter, module, scrape_url, until
from benchmarks.sizes import Sizes
from tests.integration.exporter import Exporter

_DIFFERENCE = 1.2
_TIMES_AS_MANY = 4
"""Differences this small take more scrapes to tell from chance."""
_PROCESSES = 3
"""Where its memory happens to lie makes a process a fifth faster or slower; so there are several of each."""


class Found(NamedTuple):
    """What scrapes of some deployments took and cost."""

    plain: list[Read]
    packed: list[Read]
    costs: list[float]


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Scrape exporters of few and of many deployments in turns."""
    found: dict[str, Found] = {}
    for number in range(_PROCESSES):
        series = _scrape_all(sizes, directory / f"{number}", found)
    rows: list[tuple[str, ...]] = [("deployments", "plain", "gzip", "processor time")]
    medians = {
        name: (median(each.plain), median(each.packed), statistics.median(each.costs))
        for name, each in found.items()
    }
    rows += [(name, *map(milliseconds, each)) for name, each in medians.items()]
    note = (
        f"{series} series in all, {_PROCESSES} processes for each. "
        "Processor time: the answering thread's, for one of each."
    )
    yield Section("One deployment or many", rows, [note], [_verdict(medians)])


def _scrape_all(sizes: Sizes, directory: Path, found: dict[str, Found]) -> int:
    """Add what new processes take to what was found; give the number of series."""
    rounds = _TIMES_AS_MANY * sizes.rounds
    with ExitStack() as stack:
        alone = _started(stack, directory, 1, sizes.users)
        series = _series(alone)
        servers = {"1": scrape_url(alone)}
        for count in sizes.shares:
            users = (series // count - (series - 2 * sizes.users)) // 2
            servers[f"{count}"] = scrape_url(_started(stack, directory, count, users))
        urls, before = {name: server.url for name, server in servers.items()}, _used(servers)
        plain, packed = (in_turns(urls, rounds, gzip=gzip) for gzip in (False, True))
        used = _used(servers)
    for name in servers:
        so_far = found.setdefault(name, Found([], [], []))
        so_far.plain.extend(plain[name])
        so_far.packed.extend(packed[name])
        so_far.costs.append((used[name] - before[name]) / (rounds + 1))
    return series


def _started(stack: ExitStack, directory: Path, count: int, users: int) -> Exporter:
    place = directory / f"of-{count}"
    coder = stack.enter_context(module(place / "coder", "fixtures", f"{users}"))
    urls = {f"dev-{number}": f"{coder.url}/{number}" for number in range(count)}
    ours = stack.enter_context(exporter(place / "exporter", latencies_only(place / "settings.yml", urls)))
    until(lambda: _series(ours) > 2 * users * count)
    return ours


def _series(ours: Exporter) -> int:
    """Count all series of deployments, those about their polls too."""
    return ours.page().count('deployment="')


def _used(servers: Mapping[str, Server]) -> Mapping[str, float]:
    return {name: main_thread_seconds(server.pid) for name, server in servers.items()}


def _verdict(found: Mapping[str, tuple[float, float, float]]) -> Verdict:
    ratios = [max(column) / min(column) for column in zip(*found.values(), strict=True)]
    plain, packed, cost = (times(ratio, 1) for ratio in ratios)
    target = f"scrape of {', '.join(found)} deployments with the same series: within 20 %"
    reached = f"dearest to cheapest: plain {plain}, gzip {packed}, processor time {cost}"
    return Verdict(target, reached, max(ratios) <= _DIFFERENCE)
