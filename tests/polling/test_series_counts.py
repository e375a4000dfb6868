"""The exporter counts its own series as the page has them."""

import asyncio
import math
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.datasets.apps import APP_INFO
from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.datasets.server_info import FAMILIES as OF_THE_SERVER
from insights_exporter.exposition.text import list_sample_names
from tests.polling.polled_deployment import (
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

SERIES = "insights_exporter_series"
FOLDED = "insights_exporter_series_folded"
DROPPED = "insights_exporter_series_dropped"
WITHOUT_WINDOW = {family.name for family in (APP_INFO, *OF_THE_SERVER)}


def build_exposition(**config: object) -> str:
    """Return the page after everything was polled."""

    async def scenario() -> str:
        async with poll_deployment(create_small_coder(), **config) as polled:
            await asyncio.sleep(300)
            return polled.page()

    return run_on_fast_clock(scenario)


def test_series_are_counted_by_dataset_and_window() -> None:
    """All series of Coder are counted except names, the version and the token times, which have no window."""
    page = build_exposition(templates={"users": True})
    of_coder = {name for family in list_data_families(DATASETS) for name in list_sample_names(family)}
    shown = Counter(
        sample.name
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name in of_coder
    )
    others = sum(count for name, count in shown.items() if name in WITHOUT_WINDOW)

    assert 0 < others
    assert shown.total() == math.fsum(parse_series(page, SERIES).values()) + others


def test_hidden_parameters_are_not_counted_as_aggregated() -> None:
    """What `values`, `include` and `exclude` hide is chosen, and no limit."""
    hiding = {"values": "none", "exclude": ["*e*"]}

    assert {0.0} == set(parse_series(build_exposition(parameters=hiding), FOLDED).values())
    assert {0.0} != set(parse_series(build_exposition(parameters={"limit": 1}), FOLDED).values())


def test_max_series_alone_drops() -> None:
    """Limits aggregate and drop nothing; above max_series whole families are dropped and counted."""
    limited = build_exposition(parameters={"limit": 1}, users={"limit": 1})
    over = build_exposition(max_series=40)

    assert {0.0} == set(parse_series(limited, DROPPED).values())
    assert {0.0} != set(parse_series(over, DROPPED).values())
