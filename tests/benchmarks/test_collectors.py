"""The comparison of what collectors have with what the exporter serves."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from benchmarks.collectors import configs
from benchmarks.collectors.__main__ import HEADER, TITLE, merge_rows
from benchmarks.collectors.programs import COLLECTORS
from benchmarks.collectors.readers import read_datadog, read_otlp, read_telegraf
from benchmarks.collectors.series import (
    Comparison,
    Received,
    Series,
    compare,
    filter_buckets,
    merge_expositions,
    parse,
)
from benchmarks.results import RESULTS, Table, read_tables
from benchmarks.servers import build_environment
from tests.integration.programs import require

PAGE = """\
# TYPE coder_insights_x_bucket histogram
coder_insights_x_bucket{deployment="a",le="900.0"} 3.0
coder_insights_x_bucket{deployment="a",le="+Inf"} 4.0
# TYPE coder_insights_x_gsum gauge
coder_insights_x_gsum{deployment="a"} 7.5
# TYPE insights_exporter_requests_total counter
insights_exporter_requests_total{deployment="a",window=""} 9.0
"""
TARGET = "127.0.0.1:1"
SIMILAR = 0.05
"""Relative difference of recorded numbers of series from today's: not every change needs all collectors."""


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a separate process, without the variables that name programs."""
    command = [sys.executable, "-m", "benchmarks.collectors", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=build_environment(directory), timeout=200
    )


def read_table(path: Path) -> Table:
    """Return the rows of the results of collectors."""
    return read_tables(path.read_text(encoding="utf-8"))[TITLE]


def series(name: str, **labels: str) -> Series:
    """Return a series of deployment `a`."""
    return Series.of(name, {"deployment": "a", **labels})


LOW, HIGH = series("coder_insights_x_bucket", le="900"), series("coder_insights_x_bucket", le="+Inf")
SUM, REQUESTS = series("coder_insights_x_gsum"), series("insights_exporter_requests_total")
ALL = [
    Received(LOW, 3.0),
    Received(HIGH, 4.0),
    Received(SUM, 7.5),
    Received(REQUESTS, 9.0, counter=True),
]


@pytest.mark.parametrize(
    ("arrived", "expected"),
    [
        pytest.param(ALL, Comparison(same=[LOW, HIGH, SUM, REQUESTS], invented=[]), id="all"),
        pytest.param(ALL[2:], Comparison(lost=[LOW, HIGH], same=[SUM, REQUESTS], invented=[]), id="lost"),
        pytest.param(
            [*ALL[:2], Received(SUM, 7.0), ALL[3]],
            Comparison(changed=[SUM], same=[LOW, HIGH, REQUESTS], invented=[]),
            id="changed",
        ),
        pytest.param(
            [Received(LOW, 3.0, counter=True), *ALL[1:]],
            Comparison(increases=[LOW], same=[HIGH, SUM, REQUESTS], invented=[]),
            id="increases",
        ),
        pytest.param(
            [*ALL, Received(series("coder_insights_x_sum"), 0.0), Received(series("up"), 1.0)],
            Comparison(same=[LOW, HIGH, SUM, REQUESTS], invented=[series("coder_insights_x_sum")]),
            id="invented",
        ),
    ],
)
def test_series_are_sorted_by_what_became_of_them(arrived: Iterable[Received], expected: Comparison) -> None:
    """Each series is the same, lost, changed, sent as increases, or invented."""
    assert expected == compare(parse(PAGE), arrived)


def test_a_value_that_changed_meanwhile_may_be_any() -> None:
    """Only the presence of a series is compared if its value changed during the comparison."""
    expected = merge_expositions(parse(PAGE), parse(PAGE.replace(" 9.0", " 10.0")))

    assert [REQUESTS] == [each for each, wanted in expected.items() if wanted.value is None]
    assert [REQUESTS] == list(compare(expected, [Received(REQUESTS, 11.0)]).same)


def test_buckets_are_those_of_the_data() -> None:
    """Buckets of gauge histograms are counted on their own."""
    assert [LOW, HIGH] == filter_buckets(parse(PAGE))


def test_otlp_is_read_as_prometheus_names_it() -> None:
    """A histogram of OTLP becomes cumulative buckets, a count and a sum, all of them counters."""
    attributes = [{"key": "deployment", "value": {"stringValue": "a"}}]
    gauge = {"attributes": attributes, "asDouble": 7.5}
    histogram = {
        "attributes": attributes,
        "count": "4",
        "sum": 2.5,
        "bucketCounts": ["3", "1"],
        "explicitBounds": [900],
    }
    metrics = [
        {"name": "coder_insights_x_gsum", "gauge": {"dataPoints": [gauge]}},
        {"name": "coder_insights_x", "histogram": {"dataPoints": [histogram]}},
    ]

    assert [
        Received(SUM, 7.5),
        Received(LOW, 3, counter=True),
        Received(HIGH, 4, counter=True),
        Received(series("coder_insights_x_count"), 4, counter=True),
        Received(series("coder_insights_x_sum"), 2.5, counter=True),
    ] == read_otlp([{"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}])


def test_datadog_names_are_turned_back() -> None:
    """`.count` is a counter's total or a histogram's count, `.bucket` a bucket, `upper_bound` is `le`."""
    tags = ["deployment:a", "endpoint:http://127.0.0.1:1/metrics"]
    metrics = [
        ("coder_insights_x_gsum", "gauge", 7.5, tags),
        ("insights_exporter_requests.count", "monotonic_count", 9.0, tags),
        ("coder_insights_x.bucket", "monotonic_count", 3.0, [*tags, "upper_bound:900"]),
        ("coder_insights_x.count", "monotonic_count", 4.0, tags),
    ]

    assert [
        ALL[2],
        ALL[3],
        Received(LOW, 3.0, counter=True),
        Received(series("coder_insights_x_count"), 4.0, counter=True),
    ] == read_datadog(metrics)


def test_telegraf_fields_are_series_and_the_newest_counts() -> None:
    """Each field of a metric is a series, without the URL that Telegraf adds."""
    tags = {"deployment": "a", "url": "http://127.0.0.1:1/metrics"}
    documents = [{"fields": {"coder_insights_x_gsum": value}, "tags": tags} for value in (1.0, 7.5)]

    assert [Received(SUM, 7.5)] == read_telegraf(documents)


def test_docs_have_a_config_for_each_collector() -> None:
    """The script finds the config of every collector in the docs, and a heading's first one alone."""
    found = configs.read_snippets(configs.PAGE.read_text(encoding="utf-8"))

    assert {collector.heading for collector in COLLECTORS.values()} <= found.keys()


@pytest.mark.parametrize("gauges", [False, True])
@pytest.mark.parametrize(
    "heading", ["Prometheus", "Prometheus agent", "VictoriaMetrics", "OpenTelemetry Collector"]
)
def test_scrape_configs_of_the_docs_are_aimed(heading: str, *, gauges: bool) -> None:
    """A scrape config of the docs is aimed at an exporter, with or without the parameter."""
    snippet = configs.read_snippets(configs.PAGE.read_text(encoding="utf-8"))[heading]

    config = configs.build_scrape_config(snippet, TARGET, gauges=gauges)

    assert [{"targets": [TARGET]}] == config["static_configs"]
    assert ({"gauge_histograms": ["gauges"]} if gauges else {}) == config["params"]


@pytest.mark.parametrize(
    ("gauges", "expected"),
    [(False, f"http://{TARGET}/metrics"), (True, f"http://{TARGET}/metrics?gauge_histograms=gauges")],
)
def test_urls_of_the_docs_are_aimed(expected: str, *, gauges: bool) -> None:
    """A URL of the docs is aimed at an exporter, with or without the parameter."""
    found = configs.read_snippets(configs.PAGE.read_text(encoding="utf-8"))

    assert (
        expected
        == configs.build_datadog_instance(found["Datadog"], TARGET, gauges=gauges)["openmetrics_endpoint"]
    )
    assert f'urls = ["{expected}"]' in configs.set_target(found["Telegraf"], TARGET, gauges=gauges)


def test_a_config_for_another_address_is_refused() -> None:
    """A config of the docs that names another exporter is an error, not a scrape of it."""
    with pytest.raises(ValueError, match="must name insights-exporter:12112 once"):
        configs.set_target('urls = ["http://elsewhere:1/metrics"]', TARGET, gauges=True)
    config = yaml.safe_dump({"scrape_configs": [{"static_configs": [{"targets": ["elsewhere:1"]}]}]})
    with pytest.raises(ValueError, match="must name insights-exporter:12112 once"):
        configs.build_scrape_config(config, TARGET, gauges=True)


def test_prometheus_keeps_every_series(tmp_path: Path) -> None:
    """Prometheus has the same series with and without the parameter; a missing collector keeps its rows."""
    require("prometheus")
    output = tmp_path / "results.md"
    output.write_text(RESULTS.read_text(encoding="utf-8"), encoding="utf-8")

    done = run(tmp_path, f"--output={output}", "Prometheus", "Telegraf")

    assert 0 == done.returncode, done.stderr
    recorded, rows = read_table(RESULTS), read_table(output)
    assert [row for row in recorded if row[0] != "Prometheus"] == [
        row for row in rows if row[0] != "Prometheus"
    ]
    default, gauges = (row for row in rows if row[0] == "Prometheus")
    assert default[2:] == gauges[2:]
    assert (default[2], "0", "0", "0", "0") == default[3:-1]
    assert [] == [row for row in recorded[1:] if abs(int(row[2]) / int(default[2]) - 1) > SIMILAR], (
        "the exporter has other series now: run `make collectors` with all collectors, and `make docs`"
    )
    assert "Telegraf: skipped, neither telegraf in PATH nor TELEGRAF\n" in done.stderr


def test_every_collector_has_recorded_results() -> None:
    """The results have a row for both forms of each collector, in the order of the script."""
    assert [(name, form) for name in COLLECTORS for form in ("default", "gauges")] == [
        (*row[:2],) for row in read_table(RESULTS)[1:]
    ], "run `make collectors` with all collectors"


def test_rows_are_added_or_replaced_in_order() -> None:
    """New rows replace those of the same collector and form; those of unknown collectors are dropped."""
    earlier = [HEADER, ("Fluentd", "default", "1"), ("Datadog", "default", "1"), ("Datadog", "gauges", "1")]

    assert [
        HEADER,
        ("Prometheus", "default", "2"),
        ("Datadog", "default", "2"),
        ("Datadog", "gauges", "1"),
    ] == merge_rows(earlier, [("Datadog", "default", "2"), ("Prometheus", "default", "2")])


def test_an_unknown_collector_is_refused(tmp_path: Path) -> None:
    """The error lists the collectors, and nothing is run."""
    done = run(tmp_path, "Fluentd")

    assert 2 == done.returncode
    assert "no such collector: Fluentd; there are Prometheus, " in done.stderr
