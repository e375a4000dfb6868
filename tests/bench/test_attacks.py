"""The table of attacks shows the worst values, and where limits were exceeded."""

from dataclasses import replace

import pytest

from bench.attacks import LIMITS, Outcome, section
from bench.sizes import SMALL

GOOD = Outcome("flood", "plain", dict.fromkeys(LIMITS, 0.0))


def exceeding(key: str) -> Outcome:
    """Return an outcome that exceeds one limit."""
    return replace(GOOD, variant="TLS", values={**GOOD.values, key: 1.1 * LIMITS[key].most + 1})


def test_good_attack_has_no_exceptions() -> None:
    """All verdicts are met."""
    shown = section(SMALL, [GOOD, replace(GOOD, variant="TLS")])

    assert [True] * 7 == [verdict.met for verdict in shown.verdicts]
    assert ("flood", "") == (shown.table[1][0], shown.table[1][-1])


@pytest.mark.parametrize("key", [key for key, limit in LIMITS.items() if limit.target])
def test_worst_variant_is_shown(key: str) -> None:
    """Its verdict is not met and names it, as its row does."""
    worst = exceeding(key)
    shown = section(SMALL, [GOOD, worst])
    unmet = [verdict for verdict in shown.verdicts if not verdict.met]

    assert ["flood", "TLS"] == [shown.table[1][0], shown.table[1][-1]]
    assert LIMITS[key].spell(worst.values[key]) in shown.table[1]
    assert [f"attacked: {LIMITS[key].target}"] == [verdict.target for verdict in unmet]
    assert unmet[0].reached.endswith("(flood; TLS)")


def test_requests_over_the_rate_limit_are_shown_alone() -> None:
    """They are no failure of the exporter."""
    (unlimited,) = (key for key, limit in LIMITS.items() if not limit.target)
    shown = section(SMALL, [replace(GOOD, values={**GOOD.values, unlimited: 99.0})])

    assert all(verdict.met for verdict in shown.verdicts)
    assert "99" in shown.table[1]
