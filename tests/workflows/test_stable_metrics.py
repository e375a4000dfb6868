"""The promise about stable metrics, from one release to the next."""

from dataclasses import replace

import pytest

from insights_exporter.exposition.family import MetricFamily
from scripts.metrics_docs import declared_families
from scripts.stable_metrics import PROMISED, find_broken, format_families

NAPS = MetricFamily(
    name="naps_seconds", type="histogram", help="Naps.", labels=("who", "bed"), bounds=(0.5, 60.0)
)


def test_stable_metrics_exist() -> None:
    """Stable families change only according to docs/compatibility.md, with a new list in that release."""
    assert [] == find_broken(PROMISED.read_text(encoding="utf-8").splitlines(), declared_families())


def test_a_promise_is_name_kind_labels_and_bounds() -> None:
    """Labels are sorted, since their order is not promised."""
    assert ["naps_seconds histogram {bed,who} 0.5,60"] == format_families([NAPS])


def test_nothing_is_promised_of_an_experimental_family() -> None:
    """A family that is not stable is not in the list."""
    assert [] == format_families([replace(NAPS, stable=False)])


@pytest.mark.parametrize(
    "now",
    [
        pytest.param([], id="removed"),
        pytest.param([replace(NAPS, name="naps")], id="other name"),
        pytest.param([replace(NAPS, type="gauge")], id="other type"),
        pytest.param([replace(NAPS, labels=("who",))], id="a label less"),
        pytest.param([replace(NAPS, bounds=(0.5,))], id="other bounds"),
        pytest.param([replace(NAPS, stable=False)], id="no longer stable"),
    ],
)
def test_a_broken_promise_is_named(now: list[MetricFamily]) -> None:
    """Removed and changed metrics are reported by their lines."""
    assert format_families([NAPS]) == find_broken(format_families([NAPS]), now)


def test_more_breaks_no_promise() -> None:
    """New families, another help or another order of labels are free."""
    now = [replace(NAPS, help="Sleep.", labels=("bed", "who")), replace(NAPS, name="other")]

    assert [] == find_broken(format_families([NAPS]), now)
