"""Four exporters share sixty deployments: each is polled once, and a failed shard does not affect others."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.integration.exporter import START, Exporter, command
from tests.integration.processes import clean_environment, free_port, running
from tests.integration.prometheus import Prometheus, StartPrometheus, scraping
from tests.integration.waiting import eventually

SHARDS = 4
DEPLOYMENTS = 60
NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
POPULATIONS = tuple(Population(seed=seed, users=3, templates=1) for seed in range(3))
ASKED = ("daus", "templates", "user-activity")
LEFT_ALONE = ("template-breakdown", "periods", "user-latency", "user-status-counts", "template-list")
DATA = "coder_insights_active_users"
Owners = Mapping[str, str]
"""The addresses of the exporters that expose a deployment, by its name."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Provide a config with all deployments, which share a few small populations and one port."""
    coders = {
        f"coder-{number:03}": EmbeddedCoder(
            population=POPULATIONS[number % len(POPULATIONS)], now=lambda: NOW, rate_limit=-1
        )
        for number in range(DEPLOYMENTS)
    }
    with serve(coders) as url:
        file = tmp_path_factory.mktemp("shards") / "config.yml"
        file.write_text(yaml.safe_dump(build_config(url, coders)), encoding="utf-8")
        yield file


def build_config(url: str, names: Mapping[str, object]) -> dict[str, object]:
    """Return a config that polls one dataset of each deployment once per test."""
    polled = {dataset: {"every": "12h"} for dataset in ASKED}
    defaults = {
        "token": DEMO_TOKEN,
        "requests_per_minute": 100_000,
        "windows": ["7d"],
        "datasets": polled | {dataset: {"enabled": False} for dataset in LEFT_ALONE},
    }
    return {
        "defaults": defaults,
        "deployments": [{"name": name, "url": f"{url}/{name}"} for name in names],
    }


class Fleet:
    """The shards, each a process on its own port, which it keeps over restarts."""

    def __init__(self, config: Path, directory: Path, stack: ExitStack) -> None:
        self.config, self.directory, self.stack = config, directory, stack
        self.addresses = [f"127.0.0.1:{free_port()}" for _ in range(SHARDS)]

    def start(self, *shards: int) -> list[Exporter]:
        """Start several shards at once and wait until they respond."""
        started = [self._launch(shard) for shard in shards]
        for exporter in started:
            eventually(exporter.healthy, START, ignoring=(httpx.TransportError,))
        return started

    def _launch(self, shard: int) -> Exporter:
        address = self.addresses[shard]
        words = (*command(), f"--config.file={self.config}", f"--web.listen-address={address}")
        share = (f"--shard={shard}", f"--total-shards={SHARDS}")
        directory = self.directory / f"shard-{shard}"
        process = running([*words, *share], directory, clean_environment(directory, {}))
        return Exporter(f"http://{address}", self.stack.enter_context(process))


@pytest.fixture
def fleet(config: Path, tmp_path: Path) -> Iterator[Fleet]:
    """Provide shards that can be started; they end with the test."""
    with ExitStack() as stack:
        yield Fleet(config, tmp_path, stack)


def owners(prometheus: Prometheus) -> Owners:
    """Return the addresses of the exporters that expose series of each deployment."""
    addresses: dict[str, list[str]] = {}
    for sample in prometheus.query('group by (deployment, instance) ({deployment!=""})'):
        addresses.setdefault(sample.labels["deployment"], []).append(sample.labels["instance"])
    return {deployment: " ".join(instances) for deployment, instances in addresses.items()}


def down(prometheus: Prometheus) -> set[str]:
    """Return the addresses that Prometheus cannot scrape."""
    return {sample.labels["instance"] for sample in prometheus.query("up == 0")}


def wait_for_data(prometheus: Prometheus, deployments: int) -> None:
    """Wait until so many series of data are there, as one deployment has one."""
    eventually(lambda: [sample.value for sample in prometheus.query(f"count({DATA})")] == [deployments], 50)


@pytest.mark.timeout(180)  # on a busy machine; alone it takes a small part of that
def test_a_shard_fails_and_recovers(fleet: Fleet, start_prometheus: StartPrometheus) -> None:
    """Each deployment is exposed once; with a dead shard only its own are missing, until it is back."""
    dying, *others = fleet.start(*range(SHARDS))
    prometheus = start_prometheus(scraping(*(f"http://{address}" for address in fleet.addresses)))
    wait_for_data(prometheus, DEPLOYMENTS)
    before = owners(prometheus)

    assert set(fleet.addresses) == set(before.values())
    assert {f"coder-{number:03}" for number in range(DEPLOYMENTS)} == set(before)
    assert set() == down(prometheus)

    assert -signal.SIGKILL == dying.running.stop(signal.SIGKILL)
    dead = fleet.addresses[0]
    left = {deployment: address for deployment, address in before.items() if address != dead}
    wait_for_data(prometheus, len(left))

    assert {dead} == down(prometheus)
    assert left == owners(prometheus)

    fleet.start(0)
    wait_for_data(prometheus, DEPLOYMENTS)

    assert set() == down(prometheus)
    assert before == owners(prometheus)
    for exporter in others:
        exporter.running.check_alive()
