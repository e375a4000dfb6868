"""The exporter counts its own series as the page has them."""

import asyncio
import math
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.datasets.apps import APP_INFO
from insights_exporter.datasets.registry import DATASETS, data_families
from insights_exporter.datasets.server_info import FAMILIES as OF_THE_SERVER
from insights_exporter.exposition.text import sample_names
from tests.polling.polled_deployment import on_fast_clock, poll_deployment, series_of, small_coder

SERIES = "insights_exporter_series"
FOLDED = "insights_exporter_series_folded"
DROPPED = "insights_exporter_series_dropped"
WITHOUT_WINDOW = {family.name for family in (APP_INFO, *OF_THE_SERVER)}


def page_with(**config: object) -> str:
    """Return the page after everything was polled."""

    async def scenario() -> str:
        async with poll_deployment(small_coder(), **config) as polled:
            await asyncio.sleep(300)
            return polled.page()

    return on_fast_clock(scenario)


def test_series_are_counted_by_dataset_and_window() -> None:
    """All series of Coder are counted except names, the version and the token times, which have no window."""
    page = page_with(templates={"users": True})
    of_coder = {name for family in data_families(DATASETS) for name in sample_names(family)}
    shown = Counter(
        sample.name
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name in of_coder
    )
    beside = sum(count for name, count in shown.items() if name in WITHOUT_WINDOW)

    assert 0 < beside
    assert shown.total() == math.fsum(series_of(page, SERIES).values()) + beside


def test_hidden_parameters_are_not_counted_as_aggregated() -> None:
    """What `values`, `include` and `exclude` hide is chosen, and no limit."""
    hiding = {"values": "none", "exclude": ["*e*"]}

    assert {0.0} == set(series_of(page_with(parameters=hiding), FOLDED).values())
    assert {0.0} != set(series_of(page_with(parameters={"limit": 1}), FOLDED).values())


def test_max_series_alone_drops() -> None:
    """Limits aggregate and drop nothing; above max_series whole families are dropped and counted."""
    limited = page_with(parameters={"limit": 1}, users={"limit": 1})
    over = page_with(max_series=40)

    assert {0.0} == set(series_of(limited, DROPPED).values())
    assert {0.0} != set(series_of(over, DROPPED).values())
