"""A short form of every attack of `python -m benchmarks attacks`, on the exporter as users run it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.attacking.probes import failures, probing
from benchmarks.attacking.scripts import ATTACKS, Attack
from benchmarks.attacking.victims import Variant, Victim, victim
from benchmarks.attacks import run_attackers
from benchmarks.config import write_latency_config
from benchmarks.measure import forget_peak, peak, resident
from benchmarks.servers import module

CLIENTS = 10
SECONDS = 0.5
MOST_MEMORY = 10e6

Victims = Callable[[Variant], Victim]


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    """Start exporters to attack, one for each variant."""
    directory = tmp_path_factory.mktemp("attacks")
    running: dict[Variant, Victim] = {}
    with ExitStack() as stack:
        coder = stack.enter_context(module(directory / "coder", "fixtures", "2000"))
        config = write_latency_config(directory / "config.yml", {"coder": coder.url})

        def start(variant: Variant) -> Victim:
            if variant not in running:
                home = directory / f"{len(running)}"
                running[variant] = stack.enter_context(victim(home, config, variant))
            return running[variant]

        yield start


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_attack(attack: Attack, victims: Victims, tmp_path: Path) -> None:
    """Attackers do not make the exporter hold memory, and other clients still get responses."""
    protected = attack.tls_only or attack.users_only
    ours = victims(Variant(tls=protected, users=protected))
    before = resident(ours.pid)
    forget_peak(ours.pid)
    with probing(ours.target) as seen:
        run_attackers(tmp_path, ours.target, attack, CLIENTS, SECONDS)
    more = peak(ours.pid) - before

    assert {"memory": True, "failed": 0} == {
        "memory": more < MOST_MEMORY or more,
        "failed": failures(seen),
    }
