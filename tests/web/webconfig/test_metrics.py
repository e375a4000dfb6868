"""Failed reloads are a counter."""

from pathlib import Path

from insights_exporter.exposition.family import Samples
from insights_exporter.web.webconfig import RELOAD_FAILURES, ReloadingConfig, web_config_samples
from tests.web.webconfig.certificates import write_case


def test_failed_reloads_are_counted(directory: Path) -> None:
    """The counter exists from the start and increases."""
    live = ReloadingConfig(write_case(directory, "good-empty.yml"))
    before = web_config_samples(live)
    live.reload_failures += 1

    assert Samples(RELOAD_FAILURES, [((), 0.0)]) == before
    assert Samples(RELOAD_FAILURES, [((), 1.0)]) == web_config_samples(live)
