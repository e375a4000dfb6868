"""Every query of every panel, asked of a real Prometheus with three weeks of the embedded Coder's data."""

import itertools
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from grafana.rules import recording
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.grafana import history
from tests.grafana.boards import ALL_QUERIES, PROVISIONED, Asked, load
from tests.grafana.counting import EXPECTED
from tests.grafana.history import Series
from tests.peers import exporter
from tests.peers.prometheus import Prometheus, monitoring
from tests.peers.promtool import Promtool
from tests.peers.waiting import eventually
from tests.rules.shipped import RULES, rules

WEDNESDAY = datetime(2026, 5, 20, 14, 20, tzinfo=UTC)
THREE_WEEKS = timedelta(weeks=3)
ONE = {"job": "insights-exporter", "instance": "10.0.0.1:12112", "pod": "a", "endpoint": "http"}
OTHER = {
    "job": "insights/insights-exporter/exporter",
    "namespace": "insights",
    "pod": "b",
    "container": "exporter",
}
"""Another exporter, scraped by a collector that drops `instance` and has labels of its own."""

LOOK_BACK = "30m"
"""Nothing is scraped while the tests run: the rules look back at what was before."""

PER_EXPORTER = re.compile(r"_total\{|request_duration|max by \(job, instance|count\(max by \(job")
"""Queries that count each exporter's own doing, or show each exporter."""


pytestmark = pytest.mark.timeout(300)


class Data(NamedTuple):
    """A Prometheus with data, and what they were made from."""

    prometheus: Prometheus
    page: list[Series]
    now: int


class Polled(NamedTuple):
    """What the exporter says of the embedded Coder: now, and of its three last weeks."""

    page: list[Series]
    backfilled: list[Path]


def settings(url: str) -> dict[str, Any]:
    """Give a file with one deployment that shows all there is, and one that shows no single users."""
    common = {"url": url, "token": DEMO_TOKEN, "requests_per_minute": 6000, "templates": {"users": True}}
    return {
        "deployments": [
            {"name": "main", **common},
            {"name": "discreet", **common, "users": {"detail": "aggregate"}},
        ]
    }


def poll(folder: Path) -> Polled:
    """Run the exporter against an embedded Coder whose clock stands on a Wednesday."""
    folder.mkdir()
    file = folder / "config.yml"
    coder = EmbeddedCoder(
        population=Population(users=60, templates=6),
        now=lambda: WEDNESDAY,
        token_expires=datetime(2100, 1, 1, tzinfo=UTC),
    )
    with serve(coder) as url:
        file.write_text(yaml.safe_dump(settings(url)), encoding="utf-8")
        file.chmod(0o600)
        with exporter.serving(folder / "exporter", f"--config.file={file}") as running:
            page = eventually(lambda: complete(running.page()), 60)
        return Polled(history.read(page), backfill(folder, file))


def complete(page: str) -> str:
    """Give the page once no poll of it is missing."""
    return "" if re.search(r"^insights_exporter_poll_success\{.*\} 0", page, flags=re.MULTILINE) else page


def backfill(folder: Path, file: Path) -> list[Path]:
    """Have the exporter write the history of the deployment `main`, up to the Wednesday's midnight."""
    words = (
        f"--since={WEDNESDAY - THREE_WEEKS:%Y-%m-%d}",
        f"--until={WEDNESDAY:%Y-%m-%d}",
        "--deployment=main",
        "--requests-per-minute=6000",
        f"--output={folder / 'history'}",
        f"--config.file={file}",
    )
    done = exporter.run(folder / "backfill", "backfill", *words, seconds=200)
    assert 0 == done.returncode, done.stderr
    return sorted((folder / "history").rglob("*.om"))


def samples(polled: Polled, target: dict[str, str], now: int) -> Iterator[str]:
    """Give all that Prometheus has of `target`: the backfilled weeks, then scrapes since midnight.

    The deployment that was not backfilled has been scraped for two weeks.
    """
    midnight = now - round((WEDNESDAY - WEDNESDAY.replace(hour=0, minute=0)).total_seconds())
    for file in polled.backfilled:
        yield from history.moved(file, target, now - round(WEDNESDAY.timestamp()))
    daily = [
        series
        for series in polled.page
        if series.labels.get("deployment") == "discreet" and series.name.endswith("_active_users")
    ]
    yield from history.scraped(daily, target, now - 14 * 86400, midnight)
    own = [Series("up", {}, 1), Series("scrape_duration_seconds", {}, 0.01)]
    yield from history.scraped([*polled.page, *own], target, midnight, now)


@pytest.fixture(scope="module")
def data(promtool: Promtool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Data]:
    """Give a Prometheus over the history of two exporters that poll the same deployments."""
    folder = tmp_path_factory.mktemp("dashboards")
    polled = poll(folder / "exporter")
    now = int(time.time())
    both = itertools.chain(samples(polled, ONE, now), samples(polled, OTHER, now))
    history.store(promtool, both, folder / "prometheus")
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [f"{RULES}/*.yaml"]}
    flags = ("--storage.tsdb.retention.time=1y", f"--query.lookback-delta={LOOK_BACK}")
    with monitoring(folder / "prometheus", config, *flags) as prometheus:
        yield Data(prometheus, polled.page, now)


def everything(board: str) -> dict[str, str]:
    """Give the values that a dashboard's variables have when nothing is chosen."""
    variables = load(PROVISIONED / f"{board}.json")["templating"]["list"][1:]
    return {one["name"]: one.get("allValue") or one["current"]["value"] for one in variables}


def filled(query: Asked, **chosen: str) -> str:
    """Give a query with its variables filled in, as Grafana does."""
    values = {**everything(query.board), "__rate_interval": "20m", **chosen}
    return re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), query.expr)


def answers(
    data: Data, query: Asked, job: str = ONE["job"], deployment: str = "main"
) -> set[tuple[Any, ...]]:
    """Give the series that a panel gets: now, or over the last days."""
    expr = filled(query, job=job, deployment=deployment)
    if not query.over_time:
        return {freeze(sample.labels, sample.value) for sample in data.prometheus.query(expr, data.now)}
    over = {"start": data.now - 3 * 86400, "end": data.now, "step": 3600}
    result = data.prometheus.api("query_range", query=expr, **over)["result"]
    return {freeze(series["metric"], series["values"][-1][1]) for series in result}


def freeze(labels: Mapping[str, str], value: object) -> tuple[Any, ...]:
    """Give a series so that it can be compared."""
    return (*sorted(labels.items()), str(value))


def page_of(data: Data, deployment: str) -> list[Series]:
    """Give the page's series of one deployment."""
    return [series for series in data.page if series.labels.get("deployment") == deployment]


def test_every_query_is_expected() -> None:
    """Each query of each panel is counted below, and nothing else."""
    asked = [(query.board, query.panel) for query in ALL_QUERIES]
    expected = [
        (board, panel) for board, its in EXPECTED.items() for panel, counts in its.items() for _ in counts
    ]

    assert sorted(expected) == sorted(asked)


@pytest.mark.parametrize("query", ALL_QUERIES, ids=str)
def test_query_gives_the_right_number_of_series(data: Data, query: Asked) -> None:
    """A panel shows as many series as the exporter's page has things to show."""
    count = EXPECTED[query.board][query.panel]["ABCDEFG".index(query.letter)]
    expected = count(page_of(data, "main"))

    assert 0 < expected == len(answers(data, query))


@pytest.mark.parametrize(
    "query", [query for query in ALL_QUERIES if not PER_EXPORTER.search(query.expr)], ids=str
)
def test_second_exporter_changes_nothing(data: Data, query: Asked) -> None:
    """Numbers are the same from one exporter, from the other, and from both of them."""
    one = answers(data, query, ONE["job"])

    assert one == answers(data, query, OTHER["job"])
    assert one == answers(data, query, ".+")


@pytest.mark.parametrize("query", ALL_QUERIES, ids=str)
def test_only_what_names_users_is_missing_without_names(data: Data, query: Asked) -> None:
    """Where no single users are shown, their table is empty and everything else is there."""
    count = EXPECTED[query.board][query.panel]["ABCDEFG".index(query.letter)]
    expected = count(page_of(data, "discreet"))

    assert (query.panel == "Slowest connections") == (expected == 0)
    assert expected == len(answers(data, query, deployment="discreet"))


@pytest.mark.parametrize("query", [query for query in ALL_QUERIES if "{{" in query.legend], ids=str)
def test_legend_tells_series_apart(data: Data, query: Asked) -> None:
    """A legend speaks of labels that the series have, and no two lines of a panel are called the same."""
    labels: list[dict[str, str]] = [dict(answer[:-1]) for answer in answers(data, query)]
    spoken = re.findall(r"\{\{(\w+)\}\}", query.legend)
    called = [tuple(one.get(label, "") for label in spoken) for one in labels]

    assert [] == [label for label in spoken if not any(label in one for one in labels)]
    assert sorted(set(called)) == sorted(called)


@pytest.mark.parametrize("query", [query for query in ALL_QUERIES if query.columns is not None], ids=str)
def test_table_names_or_hides_every_label(data: Data, query: Asked) -> None:
    """No column of a table is left with a label's bare name."""
    labels = {label for answer in answers(data, query) for label, _ in answer[:-1]}

    assert query.columns is not None
    assert set() == labels - query.columns


@pytest.mark.parametrize("rule", rules("record"), ids=lambda rule: rule["record"])
def test_recording_rule_records(data: Data, rule: Mapping[str, Any]) -> None:
    """Each recorded series comes to be from the exporter's series, one for both pods of a job."""
    recorded = data.prometheus.wait_for(rule["record"])

    assert [] == [sample.labels for sample in recorded if {"instance", "pod"} & set(sample.labels)]


def test_healthy_deployments_raise_no_alert(data: Data) -> None:
    """With all polls good and everybody at work only the deleted template that is in use is remarked."""
    data.prometheus.wait_for(f"last_over_time({recording.USERS_ABOVE_POOR}[1h])")
    remarked = data.prometheus.wait_for("ALERTS")

    assert {"InsightsTemplateWithoutName"} == {sample.labels["alertname"] for sample in remarked}
