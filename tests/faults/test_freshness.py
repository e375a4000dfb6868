"""What Prometheus sees of data that become too old."""

from pathlib import Path

import pytest

from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.faults.config import written
from tests.integration.exporter import StartExporter
from tests.integration.prometheus import StartPrometheus, scraping
from tests.integration.waiting import eventually

SERIES = 'coder_insights_daily_active_users{day="today"}'


@pytest.mark.parametrize("fault", ["refused", "403"])
def test_stale_in_prometheus_and_back(
    start_exporter: StartExporter, start_prometheus: StartPrometheus, tmp_path: Path, fault: str
) -> None:
    """Data that are too old are stale at once in Prometheus, which goes on scraping, and come back."""
    coder = EmbeddedCoder(population=Population(seed=1, users=5, templates=2), rate_limit=-1)
    with serve(coder) as url:
        deployment = {"name": "prod", "url": url, "token": coder.token}
        config = written(tmp_path / "config.yml", [deployment], max_age="12s")
        exporter = start_exporter(f"--config.file={config}")
        prometheus = start_prometheus(scraping(exporter.url))

        (before,) = prometheus.wait_for(SERIES)
        coder.fail(fault)
        prometheus.wait_for(
            f"{SERIES} and on(deployment) insights_exporter_poll_success{{dataset='daus'}} == 0"
        )
        eventually(lambda: not prometheus.query(SERIES))
        (up,) = prometheus.query("up")
        remembered = prometheus.query(f"last_over_time({SERIES}[10m])")
        coder.clear_faults()
        (after,) = prometheus.wait_for(SERIES)
        gaps = prometheus.query(f"count_over_time({SERIES}[10m]) < on(instance) count_over_time(up[10m])")

    assert before.value == after.value
    assert up.value == 1
    assert [before.value] == [sample.value for sample in remembered]
    assert gaps
