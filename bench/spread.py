"""The same series in one deployment or in many."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.client import in_turns, median
from bench.meters import main_thread_seconds
from bench.results import Section, Verdict, milliseconds, times
from bench.servers import Server, all_polled, exporter, module, scrape_url, until
from bench.settings import latencies_only
from bench.sizes import Sizes

_DIFFERENCE = 1.2


def measure(sizes: Sizes, directory: Path) -> Iterator[Section]:
    """Scrape exporters of few and of many deployments in turns."""
    with ExitStack() as stack:
        servers = {f"{count}": _started(stack, sizes, directory, count) for count in sizes.shares}
        urls = {name: server.url for name, server in servers.items()}
        plain, packed = (in_turns(urls, sizes.rounds, gzip=gzip) for gzip in (False, True))
        costs = {name: _cost(server, sizes.rounds) for name, server in servers.items()}
    rows: list[tuple[str, ...]] = [("deployments", "plain", "gzip", "processor time")]
    found = {name: (median(plain[name]), median(packed[name]), costs[name]) for name in servers}
    rows += [(name, *map(milliseconds, each)) for name, each in found.items()]
    note = f"{2 * sizes.users} series in all. Processor time: the answering thread's, for one of each."
    yield Section("One deployment or many", rows, [note], [_verdict(found)])


def _started(stack: ExitStack, sizes: Sizes, directory: Path, count: int) -> Server:
    place = directory / f"of-{count}"
    coder = stack.enter_context(module(place / "coder", "canned", str(sizes.users // count)))
    urls = {f"dev-{number}": f"{coder.url}/{number}" for number in range(count)}
    ours = stack.enter_context(exporter(place / "exporter", latencies_only(place / "settings.yml", urls)))
    until(lambda: all_polled(ours))
    return scrape_url(ours)


def _cost(server: Server, rounds: int) -> float:
    """Give the processor time of a plain and a compressed scrape: the least, to which others only add."""
    runs = []
    for _ in range(5):
        before = main_thread_seconds(server.pid)
        for gzip in (False, True):
            in_turns({"": server.url}, rounds // 5, gzip=gzip)
        runs.append((main_thread_seconds(server.pid) - before) / (rounds // 5 + 1))
    return min(runs)


def _verdict(found: Mapping[str, tuple[float, float, float]]) -> Verdict:
    ratios = [max(column) / min(column) for column in zip(*found.values(), strict=True)]
    plain, packed, cost = (times(ratio, 1) for ratio in ratios)
    target = f"scrape of {', '.join(found)} deployments with the same series: within 20 %"
    reached = f"dearest to cheapest: plain {plain}, gzip {packed}, processor time {cost}"
    return Verdict(target, reached, ratios[-1] <= _DIFFERENCE)
