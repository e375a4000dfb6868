"""Putting conversions together, so that no series repeats."""

from collections.abc import Iterable
from typing import Any

from insights_exporter.datasets.dataset import Conversion
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.samples import Samples


def joined(conversions: Iterable[Conversion]) -> Conversion:
    """Give one conversion for several; of equal series the first wins."""
    parts = list(conversions)
    rows: dict[Family, dict[tuple[str, ...], Any]] = {}
    for samples in (samples for part in parts for samples in part.samples):
        of_family = rows.setdefault(samples.family, {})
        for labels, value in samples.rows:
            of_family.setdefault(labels, value)
    return Conversion(
        samples=tuple(Samples(family, list(by_labels.items())) for family, by_labels in rows.items()),
        folded=sum(part.folded for part in parts),
        invalid=tuple(reason for part in parts for reason in part.invalid),
        app_names=tuple(name for part in parts for name in part.app_names),
    )
