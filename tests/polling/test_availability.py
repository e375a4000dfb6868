"""Datasets that a server does not have, or has again."""

import asyncio
from collections.abc import Mapping
from itertools import pairwise

import httpx
import pytest

from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.server import create_app
from tests.datasets.cases import find_default_window, load_context
from tests.polling.polled_deployment import (
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

SUCCESS = "insights_exporter_poll_success"
AVAILABLE = "insights_exporter_dataset_available"
BREAKDOWN = "coder_insights_template_active_users"
HOUR = 3600.0
MINUTE = 60.0
SOON = 121.0
"""Seconds within which runs what was put forward."""

POLLED = {name for name, each in DATASETS.items() if each.enabled_by_default}
INSIGHTS = {
    name
    for name in POLLED
    for request in DATASETS[name].requests(load_context(find_default_window(DATASETS[name]), in_use=["a"]))
    if request.path.startswith("/insights/")
}
NOT_EVERYWHERE = {name for name in POLLED if DATASETS[name].missing_route != "not_found"}
OFF: dict[str, object] = {"usage_stats": False}
OLD: dict[str, object] = {"server_version": "2024"}
UNAVAILABLE: Mapping[str, tuple[Mapping[str, object], Mapping[str, str]]] = {
    "too old": (OLD, {"user-status-counts": "unsupported"}),
    "statistics off": (OFF, dict.fromkeys(INSIGHTS - {"user-status-counts"}, "disabled")),
    "both": (OLD | OFF, dict.fromkeys(INSIGHTS, "disabled") | {"user-status-counts": "unsupported"}),
}
PATHS: Mapping[str, str] = {
    "user-status-counts": "user-status-counts",
    "daus": "daus",
    "periods": "templates",
    "templates": "templates",
    "user-latency": "user-latency",
}


@pytest.mark.parametrize("case", UNAVAILABLE)
def test_missing_dataset_has_a_reason_and_no_health(case: str) -> None:
    """Its health series are removed and the reason is exposed, also for datasets that depend on it."""
    config, missing = UNAVAILABLE[case]

    async def scenario() -> str:
        async with poll_deployment(create_small_coder(**config)) as polled:
            await asyncio.sleep(120)
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert POLLED - missing.keys() == {dict(labels)["dataset"] for labels in parse_series(page, SUCCESS)}
    assert missing == {
        dict(labels)["dataset"]: dict(labels)["reason"]
        for labels, available in parse_series(page, AVAILABLE).items()
        if not available
    }


@pytest.mark.parametrize(
    ("fault", "paths", "missing"),
    [("not-licensed", (), "groups"), ("404-route", ("/entitlements",), "license")],
    ids=["without a license", "open source"],
)
def test_data_that_needs_a_license_is_not_a_failure(fault: str, paths: tuple[str, ...], missing: str) -> None:
    """A server without a license has no groups, an open-source build has no entitlements."""
    coder = create_small_coder()
    coder.fail(fault, *paths)

    async def scenario() -> str:
        async with poll_deployment(coder, datasets={"groups": {"enabled": True}}) as polled:
            await asyncio.sleep(120)
            return polled.page()

    page = run_on_fast_clock(scenario)
    reasons = {
        dict(labels)["dataset"]: dict(labels)["reason"]
        for labels, available in parse_series(page, AVAILABLE).items()
        if not available
    }

    assert {missing: "not_licensed"} == reasons
    assert {1.0} == set(parse_series(page, SUCCESS).values())


@pytest.mark.parametrize("dataset", PATHS)
def test_missing_dataset_is_requested_hourly(dataset: str) -> None:
    """An unavailable dataset is requested once an hour, for any interval and number of windows."""
    coder = create_small_coder(usage_stats=dataset == "user-status-counts", server_version="2024")
    others = {name: {"enabled": False} for name in DATASETS if name != dataset}
    tried: list[float] = []

    async def scenario() -> None:
        async with poll_deployment(coder, datasets=others):
            for _ in range(round(10 * HOUR / MINUTE)):
                before = count_requests(coder, PATHS[dataset])
                await asyncio.sleep(MINUTE)
                if count_requests(coder, PATHS[dataset]) > before:
                    tried.append(asyncio.get_running_loop().time())

    run_on_fast_clock(scenario)
    pauses = [later - earlier for earlier, later in pairwise(tried)]

    assert HOUR + 2 * MINUTE > max(pauses)
    assert HOUR - MINUTE < min(pauses[1:])
    assert 10 <= len(tried) <= 11


def count_requests(coder: EmbeddedCoder, path: str) -> int:
    """Return the number of requests to an insights path."""
    return sum(seen.path == f"/api/v2/insights/{path}" for seen in coder.requests)


@pytest.mark.parametrize("before", [False, True], ids=["off from the start", "switched off and on again"])
def test_dataset_that_becomes_available_is_polled_within_the_hour(before: bool) -> None:
    """Once statistics are enabled, every window and the breakdown are exposed without a restart."""
    coder = create_small_coder(usage_stats=before)

    async def scenario() -> tuple[str, str]:
        async with poll_deployment(coder) as polled:
            await asyncio.sleep(600)
            coder.usage_stats = False
            await asyncio.sleep(2 * HOUR)
            off = polled.page()
            coder.usage_stats = True
            await asyncio.sleep(HOUR + MINUTE + SOON)
            return off, polled.page()

    off, on = run_on_fast_clock(scenario)

    assert POLLED - INSIGHTS | {"user-status-counts"} == {
        dict(labels)["dataset"] for labels in parse_series(off, SUCCESS)
    }
    assert not parse_series(off, BREAKDOWN)
    assert {1.0} == set(parse_series(on, SUCCESS).values())
    assert {1.0} == set(parse_series(on, AVAILABLE).values())
    assert any(parse_series(on, BREAKDOWN).values())


def test_breakdown_of_a_missing_dataset_sends_no_requests() -> None:
    """While statistics are disabled, only `templates` itself is requested, once an hour."""
    coder = create_small_coder()

    async def scenario() -> int:
        async with poll_deployment(coder, datasets={"periods": {"enabled": False}}):
            await asyncio.sleep(600)
            coder.usage_stats = False
            await asyncio.sleep(HOUR)
            before = count_requests(coder, "templates")
            await asyncio.sleep(5 * HOUR)
            return count_requests(coder, "templates") - before

    assert 5 <= run_on_fast_clock(scenario) <= 6


class Proxy(httpx.AsyncBaseTransport):
    """A proxy in front of a server, with a page of its own while the server is away."""

    def __init__(self) -> None:
        self._inner = httpx.ASGITransport(create_app(create_small_coder()))
        self.is_server_away = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on, or respond that there is no such page."""
        if self.is_server_away:
            return httpx.Response(404, stream=httpx.ByteStream(b"404 page not found\n"))
        return await self._inner.handle_async_request(request)


def test_404_of_a_proxy_is_a_failure_of_datasets_that_were_available() -> None:
    """While Coder restarts, no dataset becomes unavailable, so all have recovered a poll later."""
    proxy = Proxy()

    datasets = {name: {"every": "5m"} for name in NOT_EVERYWHERE}

    async def scenario() -> tuple[str, str]:
        async with poll_deployment(proxy, datasets=datasets) as polled:
            await asyncio.sleep(4 * MINUTE)
            proxy.is_server_away = True
            await asyncio.sleep(5 * MINUTE)
            during = polled.page()
            proxy.is_server_away = False
            await asyncio.sleep(5 * MINUTE)
            return during, polled.page()

    during, after = run_on_fast_clock(scenario)
    failed = {dict(labels)["dataset"] for labels, value in parse_series(during, SUCCESS).items() if not value}

    assert {1.0} == set(parse_series(during, AVAILABLE).values())
    assert failed >= NOT_EVERYWHERE
    assert {1.0} == set(parse_series(after, SUCCESS).values())
