"""Compare the series of collectors with those of the exporter: `python -m benchmarks.collectors`.

Each collector that is installed on this machine scrapes the exporter, with its config
from docs/collectors.md, with and without `gauge_histograms=gauges`. The numbers of series are
written to benchmarks/RESULTS.md; rows of collectors that were not run are kept.
For a program that is not in PATH, set an environment variable to its path: PROMETHEUS,
VICTORIA_METRICS, VMAGENT, OTELCOL, TELEGRAF, and DATADOG_PYTHON for a Python that has
datadog-checks-base.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
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
from benchmarks.results import RESULTS, Section, Table, read_tables, record, render_table
from benchmarks.servers import parse_values, wait_until
from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.integration.exporter import Exporter, serving

TITLE = "Collectors"
HEADER = (
    "collector",
    "gauge_histograms",
    "series",
    "same",
    "lost",
    "changed",
    "as increases",
    "added",
    "compared on",
)
CONFIG = """\
deployments:
  - name: demo
    url: {url}
    token_env: CODER_SESSION_TOKEN
    requests_per_minute: 6000
    datasets: {{groups: {{enabled: true}}}}
    templates: {{users: true}}
"""
_NOW = datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
"""The clock of the embedded Coder, so that the series are the same each day."""
_USERS = 600
_NOTE = f"""\
Written by `make collectors`. The sample data has {_USERS} users, all datasets are enabled, and the clock of
the embedded Coder shows {_NOW:%Y-%m-%d %H:%M} UTC."""
_MAX_NAMES = 12


def main() -> None:
    """Update the table of the results; log the names of lost, changed and added series."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collectors", description=__doc__)
    parser.add_argument("collectors", nargs="*", metavar="COLLECTOR", help=", ".join(COLLECTORS))
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help=f"the file to update (default: {RESULTS.name})"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.collectors) - COLLECTORS.keys()
    if unknown:
        parser.error(f"no such collector: {', '.join(sorted(unknown))}; there are {', '.join(COLLECTORS)}")
    chosen = {name: COLLECTORS[name] for name in arguments.collectors or COLLECTORS}
    with tempfile.TemporaryDirectory() as directory, _run_exporter(Path(directory)) as exporter:
        rows = [
            row
            for name, each in chosen.items()
            for row in _run_collector(name, each, exporter, Path(directory))
        ]
    earlier = arguments.output.read_text(encoding="utf-8") if arguments.output.exists() else ""
    table = merge_rows(read_tables(earlier).get(TITLE, ()), rows)
    record(arguments.output, Section(TITLE, table, [_NOTE]))
    sys.stdout.write(f"{render_table(table)}\n")


def merge_rows(earlier: Table, rows: Table) -> Table:
    """Return the table with these rows added or replaced, in the order of `COLLECTORS`."""
    order = list(COLLECTORS)
    merged = {(*row[:2],): row for row in (*earlier[1:], *rows) if row[0] in COLLECTORS}
    return [HEADER, *sorted(merged.values(), key=lambda row: (order.index(row[0]), row[1]))]


@contextmanager
def _run_exporter(directory: Path) -> Iterator[Exporter]:
    """Run an exporter that has polled everything."""
    coder = EmbeddedCoder(population=Population(users=_USERS), rate_limit=-1, now=lambda: _NOW)
    config = directory / "config.yml"
    with serve(coder) as url:
        config.write_text(CONFIG.format(url=url), encoding="utf-8")
        flags = (f"--config.file={config}", "--log.level=error")
        with serving(directory / "exporter", *flags, env={"CODER_SESSION_TOKEN": coder.token}) as exporter:
            wait_until(lambda: _is_complete(exporter), pause=0.2)
            yield exporter


def _is_complete(exporter: Exporter) -> bool:
    """Return whether all datasets are exposed, including the breakdown by template, which is last."""
    page = exporter.page()
    return all(parse_values(page, "insights_exporter_poll_success")) and bool(
        parse_values(page, "coder_insights_template_active_users")
    )


def _run_collector(
    name: str, collector: Collector, exporter: Exporter, directory: Path
) -> Iterator[Sequence[str]]:
    program, snippet = (
        collector.program(),
        configs.read_snippets(configs.PAGE.read_text("utf-8"))[collector.heading],
    )
    if not program:
        sys.stderr.write(f"{name}: skipped, neither {collector.command} in PATH nor {collector.variable}\n")
        return
    for gauges in (False, True):
        job = Job(program, directory / f"{name}-{gauges}", snippet, exporter.url.partition("//")[2], gauges)
        job.directory.mkdir()
        found = _compare(collector, job, exporter)
        form = "gauges" if gauges else "default"
        yield name, form, *_format_cells(found), f"{datetime.now(UTC):%Y-%m-%d}"
        for line in _list_differences(found):
            sys.stderr.write(f"{name}, {form}: {line}\n")


def _compare(collector: Collector, job: Job, exporter: Exporter) -> tuple[Exposition, Comparison]:
    """Run a collector; return the expected series and the comparison."""
    before = parse(exporter.page())
    arrived = collector.run(job)
    expected = merge_expositions(before, parse(exporter.page()))
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
