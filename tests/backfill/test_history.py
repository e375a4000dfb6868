"""Backfill from an embedded Coder into a real Prometheus."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.backfill.expected_history import PAST_SERIES, ExpectedHistory
from tests.end_to_end.families import TEMPLATES
from tests.end_to_end.true_series import QUERIES
from tests.integration import exporter as exporter_peer
from tests.integration import prometheus as prometheus_peer
from tests.integration.exporter import RunExporter
from tests.integration.programs import require
from tests.integration.prometheus import Prometheus, scraping
from tests.support.backfill import NOW

ZONE = ZoneInfo("Europe/Berlin")
SINCE, UNTIL = date(2026, 3, 26), date(2026, 4, 4)
DAYS = [SINCE + timedelta(days=number) for number in range(9)]
CLOCKS_GO_FORWARD = date(2026, 3, 29)
LONG_BEFORE, SOON_AFTER = SINCE, date(2026, 4, 2)
"""Days whose weeks are without and with that day."""
NOTHING = {("coder_insights_template_daily_active_users", SOON_AFTER)}
"""Coder splits such a week into intervals of 24 hours, which are not days."""
WINDOWS = {"7d": 7}
CONFIG = """\
deployments:
  - name: acme
    url: {url}
    token_env: TOKEN
    timezone: {zone}
    windows: [7d]
    requests_per_minute: 100000
    parameters: {{limit: 10000}}
    templates: {{users: true}}
"""
EVERY = ["--include=parameters,users", "--requests-per-minute=100000"]
NOT_COMPARED = {"__name__", "job", "instance", "deployment"}


@dataclass(frozen=True, slots=True)
class History:
    """A Prometheus with imported history that continues to scrape, and the Coder of both.

    `samples` is the number of samples that the command imported.
    """

    coder: str
    prometheus: Prometheus
    samples: int

    def on(self, day: date) -> ExpectedHistory:
        """Return Coder's own report of a day."""
        return ExpectedHistory(self.coder, find_midnight(day), WINDOWS)

    def each_hour(self, promql: str) -> dict[datetime, float]:
        """Return the only series of a query at each full hour of the history."""
        times = {"start": find_midnight(SINCE).timestamp(), "end": END.timestamp(), "step": 3600}
        (found,) = self.prometheus.api("query_range", query=promql, **times)["result"]
        return {datetime.fromtimestamp(at, ZONE): float(value) for at, value in found["values"]}


def find_midnight(day: date) -> datetime:
    """Return the first instant of a day in the deployment's time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


END = find_midnight(UNTIL).astimezone(UTC) - timedelta(hours=1)
"""The last full hour of the history."""


def find_last_week(day: date) -> tuple[int, int]:
    """Return how many days ago the last whole week began and ended."""
    return day.weekday() + 7, day.weekday()


def find_last_month(day: date) -> tuple[int, int]:
    """Return how many days ago the last whole month began and ended."""
    return day.day - 1 + (day.replace(day=1) - timedelta(days=1)).day, day.day - 1


def read_printed_samples(output: str) -> int:
    """Return the number of samples in all files that the command printed."""
    return sum(int(found.replace(",", "")) for found in re.findall(r"([\d,]+) samples;", output))


def read_stored_samples(prometheus: Prometheus, at: datetime, span: str) -> float:
    """Return the number of samples of Coder's data in Prometheus in the span before an instant."""
    names = [name for name in prometheus.api("label/__name__/values") if name.startswith("coder_")]
    counts = [prometheus.query(f"sum(count_over_time({name}[{span}]))", at=at.timestamp()) for name in names]
    return sum(sample.value for samples in counts for sample in samples)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, population: Population) -> Iterator[History]:
    """Backfill days of two months in a time zone with daylight saving, import them, and continue scraping."""
    require("promtool")
    folder = tmp_path_factory.mktemp("history")
    coder = EmbeddedCoder(population=population, now=lambda: NOW, rate_limit=-1)
    with ExitStack() as stack:
        url = stack.enter_context(serve(coder))
        (folder / "config.yml").write_text(CONFIG.format(url=url, zone=ZONE))
        config, env = f"--config.file={folder / 'config.yml'}", {"TOKEN": DEMO_TOKEN}
        exporter = stack.enter_context(exporter_peer.serving(folder / "exporter", config, env=env))
        labels = ["--label=job=insights-exporter", f"--label=instance={exporter.url.removeprefix('http://')}"]
        tsdb = folder / "prometheus" / "data"
        ended = exporter_peer.run(
            folder / "backfill",
            *(
                "backfill",
                f"--since={SINCE}",
                f"--until={UNTIL}",
                config,
                *labels,
                *EVERY,
                "--import",
                f"--tsdb={tsdb}",
            ),
            env=env,
            seconds=300,
        )
        assert ended.returncode == 0, ended.stderr
        keep = "--storage.tsdb.retention.time=100y"
        prometheus = stack.enter_context(
            prometheus_peer.monitoring(folder / "prometheus", scraping(exporter.url), keep)
        )
        prometheus.wait_for('min(insights_exporter_poll_success{deployment="acme"}) == 1', seconds=90)
        yield History(url, prometheus, read_printed_samples(ended.stderr))


def test_no_sample_is_lost(history: History) -> None:
    """Prometheus has as many samples as the command wrote, for all days."""
    assert 0 < history.samples == read_stored_samples(history.prometheus, find_midnight(UNTIL), "10d")
    assert DAYS == sorted({at.date() for at in history.each_hour("max(coder_insights_active_users)")})


@pytest.mark.parametrize("name", sorted(PAST_SERIES))
def test_history_and_live_are_one_series(history: History, name: str) -> None:
    """Each family has history, and live scraping continues the same series."""
    ago = int(time.time() - find_midnight(SINCE).timestamp()) - 12 * 3600
    joined = history.prometheus.query(f'count({{__name__="{name}"}} and {{__name__="{name}"}} offset {ago}s)')

    assert joined[0].value > 0


@pytest.mark.parametrize("day", [LONG_BEFORE, SOON_AFTER], ids=str)
@pytest.mark.parametrize("name", sorted(PAST_SERIES))
def test_series_of_a_day_match_the_responses(history: History, name: str, day: date) -> None:
    """All series of a family have the values of Coder's responses, also in a week with a short day."""
    expected = PAST_SERIES[name](history.on(day))

    samples = history.prometheus.query(
        QUERIES.get(name, "%s") % name, at=find_midnight(day).timestamp() + 15 * 3600
    )

    actual = {
        frozenset((label, text) for label, text in sample.labels.items() if label not in NOT_COMPARED): (
            sample.value
        )
        for sample in samples
    }
    assert (name, day) in NOTHING or expected
    assert set(expected) == set(actual)
    assert expected == pytest.approx(actual, rel=1e-12)


@pytest.mark.parametrize(
    ("promql", "span"),
    [
        pytest.param('daily_active_users{day="yesterday"}', lambda _: (1, 0), id="day before"),
        pytest.param('active_users{window="7d"}', lambda _: (7, 0), id="seven days"),
        pytest.param('weekly_active_users{week="last"}', find_last_week, id="week"),
        pytest.param('monthly_active_users{month="last"}', find_last_month, id="month"),
    ],
)
def test_users_are_constant_over_each_day(
    history: History, promql: str, span: Callable[[date], tuple[int, int]]
) -> None:
    """The users of a span are constant over each day, also of 23 hours."""
    expected = {day: history.on(day).of_days(TEMPLATES, *span(day))["report"]["active_users"] for day in DAYS}

    values = history.each_hour(f"coder_insights_{promql}")

    assert {at: expected[at.date()] for at in values} == values
    assert 23 == sum(at.date() == CLOCKS_GO_FORWARD for at in values)
    assert (END - find_midnight(SINCE)) // timedelta(hours=1) + 1 == len(values)


def test_remote_write_into_prometheus(
    run_exporter: RunExporter, tmp_path: Path, population: Population
) -> None:
    """A Prometheus with an out-of-order time window receives every sample by remote write."""
    now = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
    coder = EmbeddedCoder(population=population, now=lambda: now, rate_limit=-1)
    since = (now - timedelta(days=1)).date()
    config = {"storage": {"tsdb": {"out_of_order_time_window": "3d"}}}
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
        stored = read_stored_samples(prometheus, now, "3d")

    assert ended.returncode == 0, ended.stderr
    assert 0 < read_printed_samples(ended.stderr) == stored
    assert [] == list(tmp_path.rglob("*.om"))
