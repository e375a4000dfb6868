"""A Prometheus that has watched the embedded Coder for three weeks, through two exporters."""

import itertools
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.grafana import sample_series
from tests.grafana.sample_series import Series
from tests.integration import exporter
from tests.integration.prometheus import Prometheus, monitoring
from tests.integration.promtool import Promtool
from tests.integration.waiting import eventually
from tests.rules.rule_files import RULES

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

FOREIGN = {"job": "node", "instance": "10.0.0.9:9100"}
"""Another program, which does not respond."""

REMOVED = {"job": "insights-exporter-of-another-team", "instance": "10.0.0.3:12112"}
"""An exporter that was scraped six to four hours ago and then did not respond for an hour."""

LOOK_BACK = "30m"
"""Nothing is scraped while the tests run: the rules look back at what was before."""

INFO = "insights_exporter_build_info"
DURATION = Series("scrape_duration_seconds", {}, 0.01)


class Data(NamedTuple):
    """A Prometheus with data, and the exposition that the data was made from."""

    prometheus: Prometheus
    page: list[Series]
    now: int


class PollResult(NamedTuple):
    """The exposition of the embedded Coder, and the backfilled files of the last three weeks."""

    page: list[Series]
    backfilled: list[Path]


def build_config(url: str) -> dict[str, Any]:
    """Return a file with deployments that show users by name, none of them, and by pseudonyms."""
    common = {
        "url": url,
        "token": DEMO_TOKEN,
        "requests_per_minute": 6000,
        "templates": {"users": True},
        "datasets": {"groups": {"enabled": True}},
    }
    return {
        "deployments": [
            {"name": "main", **common},
            {"name": "discreet", **common, "users": {"detail": "aggregate"}},
            {"name": "veiled", **common, "users": {"detail": "pseudonymous", "key": secrets.token_hex(16)}},
        ]
    }


def poll(folder: Path) -> PollResult:
    """Run the exporter against an embedded Coder whose clock stands on a Wednesday."""
    folder.mkdir()
    file = folder / "config.yml"
    coder = EmbeddedCoder(
        population=Population(users=60, templates=6),
        now=lambda: WEDNESDAY,
        token_expires=datetime(2100, 1, 1, tzinfo=UTC),
    )
    with serve(coder) as url:
        file.write_text(yaml.safe_dump(build_config(url)), encoding="utf-8")
        file.chmod(0o600)
        with exporter.serving(folder / "exporter", f"--config.file={file}") as running:
            page = eventually(lambda: return_if_complete(running.page()), 60)
        return PollResult(sample_series.read(page), backfill(folder, file))


def return_if_complete(page: str) -> str:
    """Return the page once no poll of it is missing."""
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


def generate_samples(polled: PollResult, target: dict[str, str], now: int) -> Iterator[str]:
    """Yield all that Prometheus has of `target`: the backfilled weeks, then scrapes since midnight.

    What was not backfilled has been scraped for two weeks, `veiled` by the first exporter only.
    """
    page = [one for one in polled.page if target is ONE or one.labels.get("deployment") != "veiled"]
    midnight = now - round((WEDNESDAY - WEDNESDAY.replace(hour=0, minute=0)).total_seconds())
    for file in polled.backfilled:
        yield from sample_series.shift_samples(file, target, now - round(WEDNESDAY.timestamp()))
    daily = [
        series
        for series in page
        if (
            series.labels.get("deployment") in {"discreet", "veiled"}
            and series.name.endswith("_active_users")
        )
        or series.labels.get("day") == "today"
    ]
    yield from sample_series.repeat_samples(daily, target, now - 14 * 86400, midnight)
    yield from sample_series.repeat_samples([*page, Series("up", {}, 1), DURATION], target, midnight, now)


def generate_foreign_samples(polled: PollResult, now: int) -> Iterator[str]:
    """Yield the samples of another program, and of an exporter that was removed."""
    general = [one for one in polled.page if one.name.startswith("process_")]
    down = [Series("up", {}, 0)]
    yield from sample_series.repeat_samples([*general, *down, DURATION], FOREIGN, now - 4 * 86400, now)
    alive = [one for one in polled.page if one.name == INFO]
    yield from sample_series.repeat_samples(
        [*alive, Series("up", {}, 1)], REMOVED, now - 6 * 3600, now - 4 * 3600
    )
    yield from sample_series.repeat_samples(down, REMOVED, now - 4 * 3600, now - 3 * 3600)


@contextmanager
def run_sample_prometheus(promtool: Promtool, folder: Path) -> Iterator[Data]:
    """Yield a Prometheus with the history of both exporters, a removed exporter, and another program."""
    polled = poll(folder / "exporter")
    now = int(time.time())
    targets = (
        generate_samples(polled, ONE, now),
        generate_samples(polled, OTHER, now),
        generate_foreign_samples(polled, now),
    )
    sample_series.store(promtool, itertools.chain(*targets), folder / "prometheus")
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [f"{RULES}/*.yaml"]}
    flags = ("--storage.tsdb.retention.time=1y", f"--query.lookback-delta={LOOK_BACK}")
    with monitoring(folder / "prometheus", config, *flags) as prometheus:
        yield Data(prometheus, polled.page, now)
