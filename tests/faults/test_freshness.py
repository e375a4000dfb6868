"""What Prometheus sees of data that become too old."""

from pathlib import Path

from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.faults.config import write_config
from tests.integration.exporter import StartExporter
from tests.integration.prometheus import StartPrometheus, scraping
from tests.integration.waiting import eventually

SERIES = 'coder_insights_daily_active_users{day="today"}'
FAILS = "on(deployment) insights_exporter_poll_success{dataset='daus'} == 0"


def test_stale_in_prometheus_and_back(
    start_exporter: StartExporter, start_prometheus: StartPrometheus, tmp_path: Path
) -> None:
    """Expired data is stale in Prometheus at once, scrapes continue, and new data appears again."""
    population = Population(seed=1, users=5, templates=2)
    coders = {fault: EmbeddedCoder(population=population, rate_limit=-1) for fault in ("refused", "403")}
    with serve(coders["refused"]) as refusing, serve(coders["403"]) as forbidding:
        urls = {"refused": refusing, "403": forbidding}
        deployments = [
            {"name": fault, "url": urls[fault], "token": coder.token} for fault, coder in coders.items()
        ]
        config = write_config(tmp_path / "config.yml", deployments, max_age="12s")
        exporter = start_exporter(f"--config.file={config}")
        prometheus = start_prometheus(scraping(exporter.url))

        def values(promql: str = SERIES) -> dict[str, float]:
            """Return the result by deployment."""
            return {one.labels["deployment"]: one.value for one in prometheus.query(promql)}

        eventually(lambda: values().keys() == coders.keys())
        before = values()
        for fault, coder in coders.items():
            coder.fail(fault)
        eventually(lambda: values(f"{SERIES} and {FAILS}").keys() == coders.keys())
        eventually(lambda: not values())
        (up,) = prometheus.query("up")
        remembered = values(f"last_over_time({SERIES}[10m])")
        for coder in coders.values():
            coder.clear_faults()
        eventually(lambda: values().keys() == coders.keys())
        after = values()
        gaps = values(f"count_over_time({SERIES}[10m]) < on(instance) group_left count_over_time(up[10m])")

    assert 1 == up.value
    assert before == remembered == after
    assert coders.keys() == gaps.keys()
