"""The command, from an embedded Coder into a real Prometheus."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.peers import exporter as exporter_peer
from tests.peers import prometheus as prometheus_peer
from tests.peers.exporter import RunExporter
from tests.peers.parts import require
from tests.peers.prometheus import Prometheus, scraping

ZONE = "Europe/Berlin"
NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
SINCE = (NOW - timedelta(days=60)).date()
CONFIG = """\
deployments:
  - name: acme
    url: {url}
    token_env: TOKEN
    timezone: {zone}
    requests_per_minute: 100000
    templates: {{users: true}}
"""
EVERY = ["--include=parameters,users", "--requests-per-minute=100000"]
HISTORIC = {
    "coder_insights_daily_active_users",
    "coder_insights_weekly_active_users",
    "coder_insights_monthly_active_users",
    "coder_insights_active_users",
    "coder_insights_app_usage_seconds",
    "coder_insights_app_times_used",
    "coder_insights_app_info",
    "coder_insights_parameter_workspaces",
    "coder_insights_template_active_users",
    "coder_insights_template_daily_active_users",
    "coder_insights_template_app_usage_seconds",
    "coder_insights_template_app_times_used",
    "coder_insights_template_parameter_workspaces",
    "coder_insights_user_activity_seconds",
    "coder_insights_user_activity_distribution_seconds_bucket",
    "coder_insights_user_latency_seconds",
    "coder_insights_user_latency_distribution_seconds_gcount",
    "coder_insights_day_start_timestamp_seconds",
    "coder_insights_window_start_timestamp_seconds",
    "coder_insights_window_end_timestamp_seconds",
    "coder_insights_template_user_latency_distribution_seconds_bucket",
    "coder_insights_template_user_activity_distribution_seconds_gsum",
}


class History:
    """A Prometheus with 60 days of history that scrapes on, and the Coder that both come from."""

    def __init__(self, coder: str, prometheus: Prometheus) -> None:
        self.coder = coder
        self.prometheus = prometheus

    def users(self, start: datetime, end: datetime) -> float:
        """Ask Coder itself for the users of a span."""
        times = {"start_time": start.isoformat(), "end_time": end.isoformat()}
        answer = httpx.get(
            f"{self.coder}/api/v2/insights/templates",
            params=times,
            headers={"Coder-Session-Token": DEMO_TOKEN},
        )
        return float(answer.raise_for_status().json()["report"]["active_users"])


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Backfill 60 days in a zone with daylight saving, import them, and scrape on."""
    require("promtool")
    room = tmp_path_factory.mktemp("history")
    coder = EmbeddedCoder(
        population=Population(seed=3, users=12, templates=3), now=lambda: NOW, rate_limit=-1
    )
    with ExitStack() as stack:
        url = stack.enter_context(serve(coder))
        (room / "config.yml").write_text(CONFIG.format(url=url, zone=ZONE))
        config, env = f"--config.file={room / 'config.yml'}", {"TOKEN": DEMO_TOKEN}
        exporter = stack.enter_context(exporter_peer.serving(room / "exporter", config, env=env))
        labels = ["--label=job=insights-exporter", f"--label=instance={exporter.url.removeprefix('http://')}"]
        tsdb = room / "prometheus" / "data"
        ended = exporter_peer.run(
            room / "backfill",
            *("backfill", f"--since={SINCE}", config, *labels, *EVERY, "--import", f"--tsdb={tsdb}"),
            env=env,
            seconds=300,
        )
        assert ended.returncode == 0, ended.stderr
        keep = "--storage.tsdb.retention.time=10y"
        prometheus = stack.enter_context(
            prometheus_peer.monitoring(room / "prometheus", scraping(exporter.url), keep)
        )
        prometheus.wait_for('min(insights_exporter_poll_success{deployment="acme"}) == 1', seconds=90)
        yield History(url, prometheus)


@pytest.mark.parametrize("name", sorted(HISTORIC))
def test_history_and_live_are_one_series(history: History, name: str) -> None:
    """Each family has history, and what was live at the last poll goes on in the very same series."""
    past = history.prometheus.query(f'count({{__name__="{name}"}})', at=NOW.timestamp() - 6 * 3600)
    joined = history.prometheus.query(f'count({{__name__="{name}"}} and {{__name__="{name}"}} offset 6h)')

    assert past[0].value > 0
    assert joined[0].value > 0


@pytest.mark.parametrize("ago", [1, 7, 30, 59])
def test_value_of_a_day_is_what_the_api_says(history: History, ago: int) -> None:
    """A day's users are in the history of the day after it, all day long."""
    day = datetime.combine(NOW.date() - timedelta(days=ago), datetime.min.time(), prometheus_zone())
    expected = history.users(day - timedelta(days=1), day)

    values = {
        history.prometheus.query(
            'coder_insights_daily_active_users{day="yesterday"}', at=day.timestamp() + hour * 3600
        )[0].value
        for hour in (0, 11, 22.9)
    }

    assert values == {expected}


def test_value_of_a_window_is_that_of_its_midnight(history: History) -> None:
    """A day holds the users of the seven days that ended as it began."""
    day = datetime.combine(NOW.date() - timedelta(days=20), datetime.min.time(), prometheus_zone())

    told = history.prometheus.query('coder_insights_active_users{window="7d"}', at=day.timestamp() + 40_000)

    assert [sample.value for sample in told] == [history.users(day - timedelta(days=7), day)]


def prometheus_zone() -> ZoneInfo:
    """Give the zone whose days count."""
    return ZoneInfo(ZONE)


def test_remote_write_into_prometheus(run_exporter: RunExporter, tmp_path: Path) -> None:
    """A Prometheus with an out-of-order window takes history by remote write, every sample of it."""
    coder = EmbeddedCoder(population=Population(seed=3, users=5, templates=2), now=lambda: NOW, rate_limit=-1)
    since = (NOW - timedelta(days=4)).date()
    config = {"storage": {"tsdb": {"out_of_order_time_window": "10d"}}}
    with (
        serve(coder) as url,
        prometheus_peer.monitoring(
            tmp_path / "prometheus", config, "--web.enable-remote-write-receiver"
        ) as prometheus,
    ):
        env = {"CODER_URL": url, "CODER_SESSION_TOKEN": DEMO_TOKEN}
        ended = run_exporter(
            *("backfill", f"--since={since}", f"--output={tmp_path}", "--requests-per-minute=100000"),
            f"--remote-write={prometheus.url}/api/v1/write",
            env=env,
        )
        told = sum(int(found) for found in re.findall(r"(\d+) samples;", ended.stderr))
        names = [name for name in prometheus.api("label/__name__/values") if name.startswith("coder_")]
        stored = sum(prometheus.query(f"sum(count_over_time({name}[6d]))")[0].value for name in names)

    assert ended.returncode == 0, ended.stderr
    assert 0 < told == stored
    assert [] == list(tmp_path.rglob("*.om"))
