"""Every number in Prometheus equals the one in Coder's responses."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.end_to_end.true_series import QUERIES, TRUE_SERIES
from tests.end_to_end.truth import Truth
from tests.integration import exporter as exporter_peer
from tests.integration import prometheus as prometheus_peer
from tests.integration.prometheus import Prometheus, scraping

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
TARGET_LABELS = {"__name__", "job", "instance", "deployment"}

CONFIG = """\
deployments:
  - name: acme
    url: {url}
    token_env: TOKEN
    requests_per_minute: 100000
    max_concurrency: 8
    parameters: {{limit: 10000}}
    templates: {{users: true}}
    datasets: {{groups: {{enabled: true}}}}
"""


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Truth, Prometheus]]:
    """Provide a Coder whose clock stands still, and a Prometheus that scrapes an exporter which polls it."""
    directory = tmp_path_factory.mktemp("truth")
    coder = EmbeddedCoder(
        population=Population(seed=7, users=60, templates=6), now=lambda: NOW, rate_limit=-1
    )
    with ExitStack() as stack:
        url = stack.enter_context(serve(coder))
        (directory / "config.yml").write_text(CONFIG.format(url=url))
        exporter = stack.enter_context(
            exporter_peer.serving(
                directory, f"--config.file={directory / 'config.yml'}", env={"TOKEN": DEMO_TOKEN}
            )
        )
        prometheus = stack.enter_context(
            prometheus_peer.monitoring(directory / "prometheus", scraping(exporter.url))
        )
        everything = 'min(insights_exporter_poll_success{deployment="acme"}) == 1'
        prometheus.wait_for(everything, seconds=60)
        prometheus.wait_for("coder_insights_template_info")
        yield Truth(url, NOW), prometheus


@pytest.mark.parametrize("name", TRUE_SERIES)
def test_series_of_a_family(observed: tuple[Truth, Prometheus], name: str) -> None:
    """PromQL returns exactly the series and values that follow from Coder's responses."""
    truth, prometheus = observed
    expected = TRUE_SERIES[name](truth)

    samples = prometheus.query(QUERIES.get(name, "%s") % name)

    actual = {
        frozenset(
            (label, value) for label, value in sample.labels.items() if label not in TARGET_LABELS
        ): sample.value
        for sample in samples
    }
    assert expected
    assert set(expected) == set(actual)
    assert expected == pytest.approx(actual, rel=1e-12)


def test_every_family_is_compared() -> None:
    """Each declared family has its truth in this test."""
    covered = {
        name.removesuffix("_bucket") for name in TRUE_SERIES if not name.endswith(("_gcount", "_gsum"))
    }

    assert {family.name for family in list_data_families(DATASETS)} == covered, (
        "change TRUE_SERIES in true_series.py"
    )


def test_numbers_of_another_week_are_detected(observed: tuple[Truth, Prometheus]) -> None:
    """The comparison detects numbers of another week."""
    truth, prometheus = observed
    earlier = TRUE_SERIES["coder_insights_weekly_active_users"](Truth(truth.url, NOW - timedelta(days=7)))

    exposed = [sample.value for sample in prometheus.query("coder_insights_weekly_active_users")]

    assert sorted(earlier.values()) != sorted(exposed)
