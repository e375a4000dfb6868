"""Compare the series of collectors with those of the exporter: `python -m benchmarks.collectors`.

Each collector that is installed on this machine scrapes a demo, with its config
from docs/collectors.md, with and without `gauge_histograms=gauges`.
For a program that is not in PATH, set an environment variable to its path: PROMETHEUS,
VICTORIA_METRICS, VMAGENT, OTELCOL, TELEGRAF, and DATADOG_PYTHON for a Python that has
datadog-checks-base.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.collectors import configs
from benchmarks.collectors.programs import COLLECTORS, Collector, Job
from benchmarks.collectors.series import (
    Comparison,
    Exposition,
    compare,
    filter_buckets,
    list_names,
    merge_expositions,
    parse,
)
from benchmarks.results import render_table
from benchmarks.servers import parse_values, wait_until
from tests.integration.exporter import Exporter, serving

_HEADER = ("collector", "gauge_histograms", "series", "same", "lost", "changed", "as increases", "invented")
_MAX_NAMES = 12


def main() -> None:
    """Print a table of all collectors; log the names of lost, changed and invented series."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collectors", description=__doc__)
    parser.add_argument("collectors", nargs="*", metavar="COLLECTOR", help=", ".join(COLLECTORS))
    parser.add_argument("--users", type=int, default=600, help="users of the demo (600)")
    arguments = parser.parse_args()
    unknown = set(arguments.collectors) - COLLECTORS.keys()
    if unknown:
        parser.error(f"no such collector: {', '.join(sorted(unknown))}; there are {', '.join(COLLECTORS)}")
    chosen = {name: COLLECTORS[name] for name in arguments.collectors or COLLECTORS}
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        with serving(here / "demo", "demo", f"--users={arguments.users}", "--log.level=error") as demo:
            wait_until(lambda: _is_complete(demo), pause=0.2)
            rows = [row for name, each in chosen.items() for row in _run_collector(name, each, demo, here)]
    sys.stdout.write(f"{render_table([_HEADER, *rows])}\n")


def _is_complete(demo: Exporter) -> bool:
    """Return whether all datasets are exposed, including the breakdown by template, which is last."""
    page = demo.page()
    return all(parse_values(page, "insights_exporter_poll_success")) and bool(
        parse_values(page, "coder_insights_template_active_users")
    )


def _run_collector(
    name: str, collector: Collector, demo: Exporter, directory: Path
) -> Iterator[Sequence[str]]:
    program, snippet = (
        collector.program(),
        configs.read_snippets(configs.PAGE.read_text("utf-8"))[collector.heading],
    )
    if not program:
        sys.stderr.write(f"{name}: skipped, neither {collector.command} in PATH nor {collector.variable}\n")
        return
    for gauges in (False, True):
        job = Job(program, directory / f"{name}-{gauges}", snippet, demo.url.partition("//")[2], gauges)
        job.directory.mkdir()
        found = _compare(collector, job, demo)
        mark = " (recommended)" if configs.is_recommended(snippet, gauges=gauges) else ""
        yield name, f"{'gauges' if gauges else 'default'}{mark}", *_format_cells(found)
        for line in _list_differences(found):
            sys.stderr.write(f"{name}, {'gauges' if gauges else 'default'}: {line}\n")


def _compare(collector: Collector, job: Job, demo: Exporter) -> tuple[Exposition, Comparison]:
    """Run a collector; return the expected series and the comparison."""
    before = parse(demo.page())
    arrived = collector.run(job)
    expected = merge_expositions(before, parse(demo.page()))
    return expected, compare(expected, arrived)


def _format_cells(found: tuple[Exposition, Comparison]) -> Sequence[str]:
    expected, comparison = found
    groups = (
        expected,
        comparison.same,
        comparison.lost,
        comparison.changed,
        comparison.increases,
        comparison.invented,
    )
    return [f"{len(group)}" for group in groups]


def _list_differences(found: tuple[Exposition, Comparison]) -> Iterator[str]:
    expected, comparison = found
    kept, all_buckets = len(filter_buckets(comparison.same)), len(filter_buckets(expected))
    yield f"{kept} of {all_buckets} buckets of gauge histograms"
    for word in ("lost", "changed", "increases", "invented"):
        listed = list_names(getattr(comparison, word))
        if listed:
            more = f" and {len(listed) - _MAX_NAMES} more" if len(listed) > _MAX_NAMES else ""
            yield f"{word}: {', '.join(listed[:_MAX_NAMES])}{more}"


if __name__ == "__main__":
    main()
