"""The table of attacks shows the worst values, and where limits were exceeded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from benchmarks.attacks import run as attacks
from benchmarks.attacks.attackers import attack
from benchmarks.attacks.catalog import ATTACKS
from benchmarks.attacks.exporters import Variant
from benchmarks.attacks.probes import ProbeResult, count_failures
from benchmarks.attacks.run import LIMITS, Outcome, build_section
from benchmarks.sizes import SMALL

GOOD = Outcome("flood", "plain", dict.fromkeys(LIMITS, 0.0))


def create_exceeding(key: str) -> Outcome:
    """Return an outcome that exceeds one limit."""
    return replace(GOOD, variant="TLS", values={**GOOD.values, key: 1.1 * LIMITS[key].most + 1})


def test_attack_within_limits_has_no_exceptions() -> None:
    """All verdicts are met."""
    shown = build_section(SMALL, [GOOD, replace(GOOD, variant="TLS")])

    assert [True] * 7 == [verdict.met for verdict in shown.verdicts]
    assert ("flood", "") == (shown.table[1][0], shown.table[1][-1])


@pytest.mark.parametrize("key", [key for key, limit in LIMITS.items() if limit.target])
def test_worst_variant_is_shown(key: str) -> None:
    """Its verdict is not met and names it, as its row does."""
    worst = create_exceeding(key)
    shown = build_section(SMALL, [GOOD, worst])
    unmet = [verdict for verdict in shown.verdicts if not verdict.met]

    assert ["flood", "TLS"] == [shown.table[1][0], shown.table[1][-1]]
    assert LIMITS[key].format(worst.values[key]) in shown.table[1]
    assert [f"under attack: {LIMITS[key].target}"] == [verdict.target for verdict in unmet]
    assert unmet[0].reached.endswith("(flood; TLS)")


def test_one_attack_can_be_selected() -> None:
    """Only this attack runs, with every variant that it fits."""
    chosen = replace(SMALL, attacks=frozenset({"failed logins"}), attack_variants=None)

    assert [("failed logins", "plain, users"), ("failed logins", "TLS, users")] == [
        (attack.name, variant.name) for attack, variant in attacks.select_cases(chosen)
    ]


def test_requests_over_the_rate_limit_are_shown_alone() -> None:
    """Responses of the rate limit do not count as failures."""
    (unlimited,) = (key for key, limit in LIMITS.items() if not limit.target)
    shown = build_section(SMALL, [replace(GOOD, values={**GOOD.values, unlimited: 99.0})])

    assert all(verdict.met for verdict in shown.verdicts)
    assert "99" in shown.table[1]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, 0), (429, 0), (0, 1), (401, 1), (408, 1), (500, 1), (503, 1)],
)
def test_failures(status: int, expected: int) -> None:
    """Every response that is neither 200 nor the 429 of the rate limit is a failure."""
    assert expected == count_failures({"kept": [ProbeResult(0.1, 200), ProbeResult(0.1, status)]})


def test_attackers_that_reach_nothing_are_an_error(tmp_path: Path) -> None:
    """An exporter that no client reaches has not withstood the attack."""
    nowhere = MagicMock(port=1, scheme="http")

    with pytest.raises(RuntimeError, match="reached nothing"):
        attacks.run_attackers(tmp_path, nowhere, ATTACKS[0], 1, 0.1)


def test_attackers_without_their_means_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attack that needs a library of the system fails without it."""
    (updates,) = (each for each in ATTACKS if any(script.key_updates for script in each.scripts))
    monkeypatch.setattr("benchmarks.attacks.attackers._connect", lambda *_, **__: MagicMock())
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)

    with pytest.raises(RuntimeError, match="libssl"):
        attack(updates, 1, tls=True, clients=1, seconds=60)


def test_exporters_end_if_an_attack_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the attacked exporter and the next one are stopped."""
    started, running = list[Path](), set[Path]()

    @contextmanager
    def run_exporter(home: Path, _config: Path, _variant: Variant) -> Iterator[SimpleNamespace]:
        started.append(home)
        running.add(home)
        yield SimpleNamespace(target=MagicMock(), pid=os.getpid(), log_lines=0)
        running.remove(home)

    monkeypatch.setattr(attacks, "run_module", MagicMock())
    monkeypatch.setattr(attacks, "write_latency_config", MagicMock())
    monkeypatch.setattr(attacks, "run_exporter", run_exporter)
    monkeypatch.setattr(attacks, "run_attackers", MagicMock(side_effect=RuntimeError("reached nothing")))

    with pytest.raises(RuntimeError, match="reached nothing"):
        list(attacks.measure(SMALL, tmp_path))
    assert 2 == len(started)
    assert set() == running
