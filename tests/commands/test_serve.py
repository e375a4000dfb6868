"""The running exporter in the process of the test."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from insights_exporter.commands import serve
from insights_exporter.config.loader import load_config
from insights_exporter.config.models import Config
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.polling.manager import DeploymentManager
from tests.commands.config import TOKEN, write_config
from tests.integration.processes import free_port


class CountingManager(DeploymentManager):
    """Counts how many configs are applied at the same time."""

    running = 0
    most = 0
    first = asyncio.Event()

    async def apply(self, config: Config) -> int:
        """Apply a config, and count it."""
        CountingManager.running += 1
        CountingManager.most = max(CountingManager.most, CountingManager.running)
        CountingManager.first.set()
        try:
            return await super().apply(config)
        finally:
            CountingManager.running -= 1


async def test_reload_during_the_start_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGHUP may come before the first config is applied: configs are applied one after the other."""
    monkeypatch.setattr(serve, "DeploymentManager", CountingManager)
    for tuning in ("freeze_gc", "limit_malloc_arenas", "shorten_switch_interval"):
        monkeypatch.setattr(serve, tuning, lambda **_: None)
    path = write_config(tmp_path, f"http://127.0.0.1:{free_port()}")
    read_config = partial(load_config, path, TOKEN, DATASETS)
    options = serve.ServeOptions(config_file=path, listen_addresses=["127.0.0.1:0"])
    exporter = serve.Exporter(options, read_config(), TOKEN, read_config)

    run = asyncio.create_task(exporter.run())
    await CountingManager.first.wait()
    problem = await exporter.reload()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    assert (None, 1) == (problem, CountingManager.most)
