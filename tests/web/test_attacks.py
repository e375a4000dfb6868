"""A short form of every attack of `python -m benchmarks attacks`, on the exporter as users run it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.attacks.attackers import Effort
from benchmarks.attacks.catalog import Attack
from benchmarks.attacks.exporters import AttackedExporter, run_exporter
from benchmarks.attacks.probes import count_failures, run_probes
from benchmarks.attacks.run import run_attackers
from benchmarks.attacks.variants import Variant, alternate_variants
from benchmarks.config import write_latency_config
from benchmarks.measure import read_peak, read_resident, reset_peak
from benchmarks.servers import run_module

EFFORT, MOST_MEMORY = Effort(clients=10, seconds=0.2), 10e6
MANY_CLIENTS, MOST_MEMORY_OF_MANY = EFFORT._replace(clients=100), 30e6
"""For attacks with several connections of each client: more in all than an exporter accepts."""

Exporters = Callable[[Variant], AttackedExporter]


@pytest.fixture(scope="module")
def exporters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporters]:
    """Start exporters to attack, one for each variant."""
    directory = tmp_path_factory.mktemp("attacks")
    running: dict[Variant, AttackedExporter] = {}
    with ExitStack() as stack:
        coder = stack.enter_context(run_module(directory / "coder", "static_coder", "2000"))
        config = write_latency_config(directory / "config.yml", {"coder": coder.url})

        def start(variant: Variant) -> AttackedExporter:
            if variant not in running:
                home = directory / f"{len(running)}"
                running[variant] = stack.enter_context(run_exporter(home, config, variant))
            return running[variant]

        yield start


@pytest.mark.parametrize(
    ("attack", "variant"),
    [pytest.param(*case, id=f"{case[0].name} ({case[1].name})") for case in alternate_variants()],
)
def test_attack(attack: Attack, variant: Variant, exporters: Exporters, tmp_path: Path) -> None:
    """Attackers do not make the exporter hold memory, and other clients still get responses."""
    has_many = attack.connections > 1
    effort, most = (MANY_CLIENTS, MOST_MEMORY_OF_MANY) if has_many else (EFFORT, MOST_MEMORY)
    ours = exporters(variant)
    before = read_resident(ours.pid)
    reset_peak(ours.pid)
    with run_probes(ours.target) as seen:
        run_attackers(tmp_path, ours.target, attack, effort)
    more = read_peak(ours.pid) - before

    assert {"memory": True, "failed": 0} == {
        "memory": more < most or more,
        "failed": count_failures(seen),
    }
