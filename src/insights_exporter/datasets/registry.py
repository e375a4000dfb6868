"""The registry of all datasets."""

from collections.abc import Mapping
from types import MappingProxyType

from insights_exporter.datasets import (
    daus,
    periods,
    template_breakdown,
    template_list,
    templates,
    user_activity,
    user_latency,
    user_status_counts,
)
from insights_exporter.datasets import server_info as server_facts
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.report_window import FAMILIES as ECHO_FAMILIES
from insights_exporter.exposition.family import MetricFamily

_ALL = (
    daus.DATASET,
    periods.DATASET,
    templates.DATASET,
    template_breakdown.DATASET,
    user_activity.DATASET,
    user_latency.DATASET,
    user_status_counts.DATASET,
    template_list.DATASET,
)

DATASETS: Mapping[str, Dataset] = MappingProxyType({dataset.name: dataset for dataset in _ALL})
"""The datasets by name."""


def _in_page_order() -> tuple[MetricFamily, ...]:
    of_datasets = [family for dataset in _ALL for family in dataset.families if family not in ECHO_FAMILIES]
    families = (*of_datasets, *ECHO_FAMILIES, *server_facts.FAMILIES)
    return tuple(sorted(families, key=lambda family: "user_id" in family.labels))


FAMILIES: tuple[MetricFamily, ...] = _in_page_order()
"""All families of Coder's data, in the order in which the page has them: those that name users last."""
