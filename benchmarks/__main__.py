"""`python -m benchmarks`: run the benchmarks, and update their sections of `benchmarks/RESULTS.md`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import backfill, comparison, deployment_count, load, polling, scale, sizing, startup, tls
from benchmarks.attacks import run as attacks
from benchmarks.attacks.catalog import ATTACKS
from benchmarks.measure import describe_machine
from benchmarks.results import RESULTS, Section, record, update
from benchmarks.sizes import FULL, SMALL, Sizes

TOPICS: Mapping[str, Callable[[Sizes, Path], Iterator[Section]]] = {
    "comparison": comparison.measure,
    "polling": polling.measure,
    "load": load.measure,
    "deployment-count": deployment_count.measure,
    "startup": startup.measure,
    "tls": tls.measure,
    "backfill": backfill.measure,
    "sizing": sizing.measure,
    "scale": scale.measure,
    "attacks": attacks.measure,
}


def main() -> None:
    """Run the topics named on the command line and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=f"all, or some of {', '.join(TOPICS)}")
    parser.add_argument(
        "--small", action="store_true", help="run with small sizes, as a smoke test; needs --output"
    )
    parser.add_argument(
        "--attack",
        action="append",
        choices=[each.name for each in ATTACKS],
        metavar="NAME",
        help="measure only this attack (repeatable); needs --output",
    )
    parser.add_argument("--output", type=Path, help=f"the file to update (default: {RESULTS.name})")
    arguments = parser.parse_args()
    unknown = set(arguments.topics) - TOPICS.keys()
    if unknown:
        parser.error(f"no such topic: {', '.join(sorted(unknown))}; there are {', '.join(TOPICS)}")
    if (arguments.small or arguments.attack) and not arguments.output:
        parser.error("--small and --attack need --output, since they do not replace whole results")
    sizes = SMALL if arguments.small else FULL
    if arguments.attack:
        sizes = replace(sizes, attacks=frozenset(arguments.attack))
    machine = describe_machine()
    found = dict[str, Section]()
    for section in _run_topics(arguments.topics or list(TOPICS), sizes):
        found[section.title] = replace(section, notes=(*section.notes, machine))
        record(arguments.output or RESULTS, found[section.title])
    sys.stdout.write(update("", list(found.values())))


def _run_topics(topics: Sequence[str], sizes: Sizes) -> Iterator[Section]:
    """Yield each section as soon as it is measured, and again if more of it is."""
    for topic in topics:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as directory:
            yield from TOPICS[topic](sizes, Path(directory))
        sys.stderr.write(f"{topic}: {time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    main()
