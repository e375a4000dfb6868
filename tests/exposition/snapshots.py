"""Snapshots with families of every type."""

from collections.abc import Mapping, Sequence

from insights_exporter.exposition.family import HistogramRow, HistogramValue, MetricFamily, SampleRow, Samples
from insights_exporter.exposition.store import Changes, Snapshot, Source
from insights_exporter.exposition.text import RenderedFamily, render

NAPS = MetricFamily(
    name="naps_seconds", type="gauge", help='Time "napped", cached.', labels=("deployment", "window", "cat")
)
MEALS = MetricFamily(name="meals_total", type="counter", help="Meals.", labels=("deployment", "dish"))
MEAL_TIMES = MetricFamily(
    name="meal_seconds", type="histogram", help="Meals by length.", labels=("deployment",), bounds=(0.5, 60)
)
NAP_LENGTHS = MetricFamily(
    name="nap_length_seconds",
    type="gaugehistogram",
    help="Cats by naps.",
    labels=("deployment", "window"),
    bounds=(900, 1800.0),
)
CATS = MetricFamily(name="cats", type="gauge", help="Cats.", labels=("deployment",))
EVERY_KIND = (NAPS, MEALS, MEAL_TIMES, NAP_LENGTHS, CATS)

ROWS: Mapping[MetricFamily, Sequence[SampleRow] | Sequence[HistogramRow]] = {
    NAPS: [(("7d", "Tom"), 3.5e6), (("7d", 'Felix\n"\\'), 0)],
    MEALS: [(("fish",), 7), (("mice",), 1e9)],
    MEAL_TIMES: [((), HistogramValue((1, 2, 3), 100.25))],
    NAP_LENGTHS: [(("7d",), HistogramValue((1, 2, 3), 9e6)), (("30d",), HistogramValue((0, 0, 0), 0))],
}
"""Samples of every family but the last, which has none."""


def group_by_family(parts: Mapping[tuple[MetricFamily, Source], RenderedFamily | None]) -> Changes:
    """Return the changes that add these parts."""
    changes: dict[str, dict[Source, RenderedFamily | None]] = {}
    for (family, source), part in parts.items():
        changes.setdefault(family.name, {})[source] = part
    return changes


def changes(deployment: str) -> Changes:
    """Return changes of every type for a deployment."""
    source = (deployment, "cats", "", "")
    return group_by_family(
        {(family, source): render(Samples(family, rows), deployment) for family, rows in ROWS.items()}
    )


def build_snapshot(*deployments: str) -> Snapshot:
    """Return a snapshot with every type for some deployments."""
    snapshot = Snapshot.create_empty(EVERY_KIND)
    for deployment in deployments:
        snapshot = snapshot.apply(changes(deployment))
    return snapshot


def create_gauges(deployment: str, window: str, count: int, length: float = 1) -> RenderedFamily:
    """Return a rendered family of about 60 bytes a row."""
    rows = [((window, f"cat {number:05}"), length + number) for number in range(count)]
    return render(Samples(NAPS, rows), deployment)
