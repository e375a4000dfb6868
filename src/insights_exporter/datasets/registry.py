"""The registry of all datasets."""

from collections.abc import Iterator, Mapping

from insights_exporter.config.models import Deployment
from insights_exporter.datasets import (
    daus,
    groups,
    periods,
    server_info,
    template_breakdown,
    template_list,
    templates,
    user_activity,
    user_latency,
    user_status_counts,
)
from insights_exporter.datasets import license as license_dataset
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.report_schema import WINDOW_FAMILIES
from insights_exporter.exposition.family import MetricFamily

DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        daus.DATASET,
        periods.DATASET,
        templates.DATASET,
        template_breakdown.DATASET,
        user_activity.DATASET,
        user_latency.DATASET,
        user_status_counts.DATASET,
        template_list.DATASET,
        groups.DATASET,
        license_dataset.DATASET,
    )
}
"""The datasets by name."""


def select_enabled(deployment: Deployment, datasets: Mapping[str, Dataset]) -> Iterator[Dataset]:
    """Yield the datasets that are enabled, without those that depend on one that is not."""
    for dataset in datasets.values():
        needed = [dataset, datasets[dataset.depends_on]] if dataset.depends_on else [dataset]
        if all(each.is_enabled(deployment) for each in needed):
            yield dataset


def list_data_families(datasets: Mapping[str, Dataset]) -> tuple[MetricFamily, ...]:
    """Return all families of Coder's data in the order of the exposition: those that name users last."""
    declared = [family for dataset in datasets.values() for family in dataset.families]
    families = (*(family for family in declared if family not in WINDOW_FAMILIES), *WINDOW_FAMILIES)
    ordered = sorted((*families, *server_info.FAMILIES), key=lambda family: "user_id" in family.labels)
    return tuple(dict.fromkeys(ordered))
