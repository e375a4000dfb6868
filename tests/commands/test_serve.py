"""The running exporter in the process of the test."""

import asyncio
import signal
import threading
from functools import partial
from pathlib import Path

import pytest

from insights_exporter.commands import serve
from insights_exporter.config.loader import LoadedConfig, load_config
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
    for tuning in ("freeze_gc", "tune_malloc", "shorten_switch_interval"):
        monkeypatch.setattr(serve, tuning, lambda **_: None)
    path = write_config(tmp_path, f"http://127.0.0.1:{free_port()}")
    read_config = partial(load_config, path, TOKEN, DATASETS)
    options = serve.ServeOptions(config_file=path, listen_addresses=["127.0.0.1:0"])
    exporter = serve.Exporter(options, read_config(), TOKEN, read_config, DATASETS)

    run = asyncio.create_task(exporter.run())
    await CountingManager.first.wait()
    problem = await exporter.reload()
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    assert (None, 1) == (problem, CountingManager.most)


async def test_many_signals_are_few_reloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a reload runs, all further SIGHUPs are one more reload, which reads the newest config."""
    for tuning in ("freeze_gc", "tune_malloc", "shorten_switch_interval"):
        monkeypatch.setattr(serve, tuning, lambda **_: None)
    path = write_config(tmp_path, f"http://127.0.0.1:{free_port()}")
    loaded = load_config(path, TOKEN, DATASETS)
    reads: list[int] = []
    all_signals_came = threading.Event()

    def read_config() -> LoadedConfig:
        reads.append(1)
        all_signals_came.wait(30)
        return loaded

    options = serve.ServeOptions(config_file=path, listen_addresses=["127.0.0.1:0"])
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    exporter = serve.Exporter(options, loaded, TOKEN, read_config, DATASETS)
    run = asyncio.create_task(exporter.run(started.set_result))
    await started
    for _ in range(100):
        signal.raise_signal(signal.SIGHUP)
        await asyncio.sleep(0.001)
    all_signals_came.set()
    await exporter.reload()  # after those that wait
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)

    assert 3 == len(reads)
