"""Datasets that a server does not have, and datasets that it gets."""

import asyncio
from collections.abc import Mapping

import pytest

from insights_exporter.demo import EmbeddedCoder
from tests.polling.watching import on_fast_clock, series_of, small_coder, watching

SUCCESS = "insights_exporter_poll_success"
AVAILABLE = "insights_exporter_dataset_available"


UNAVAILABLE: Mapping[str, tuple[Mapping[str, object], list[str]]] = {
    "unsupported": ({"generation": "2024"}, ["user-status-counts"]),
    "disabled": (
        {"usage_stats": False},
        ["daus", "periods", "templates", "user-activity", "user-latency"],
    ),
}


@pytest.mark.parametrize("reason", UNAVAILABLE)
def test_what_a_server_does_not_have_is_no_failure_for_ever(reason: str) -> None:
    """Its health is withdrawn, and one try an hour goes on."""
    settings, datasets = UNAVAILABLE[reason]
    coder = small_coder(**settings)

    async def scenario() -> tuple[str, list[int]]:
        async with watching(coder) as watched:
            await asyncio.sleep(60)
            counts = [requests_to(coder, "user-status-counts" if reason == "unsupported" else "daus")]
            page = watched.page()
            await asyncio.sleep(3 * 3600)
            counts.append(requests_to(coder, "user-status-counts" if reason == "unsupported" else "daus"))
            return page, counts

    page, (at_first, later) = on_fast_clock(scenario)

    for dataset in datasets:
        assert dataset not in {dict(labels)["dataset"] for labels in series_of(page, SUCCESS)}
        assert 0.0 == series_of(page, AVAILABLE)[("dataset", dataset), ("reason", reason)]
    assert 2 <= later - at_first <= 4


def requests_to(coder: EmbeddedCoder, dataset: str) -> int:
    """Count the requests to a path of insights."""
    return sum(seen.path == f"/api/v2/insights/{dataset}" for seen in coder.requests)


def test_dataset_that_becomes_available_is_back_within_the_hour() -> None:
    """Statistics that are switched on are shown without a restart, the breakdown too."""
    coder = small_coder(usage_stats=False)

    async def scenario() -> str:
        async with watching(coder) as watched:
            await asyncio.sleep(600)
            coder.usage_stats = True
            await asyncio.sleep(2.2 * 3600)
            return watched.page()

    page = on_fast_clock(scenario)

    assert {1.0} == set(series_of(page, SUCCESS).values())
    assert {1.0} == set(series_of(page, AVAILABLE).values())
    assert any(series_of(page, "coder_insights_template_active_users").values())
