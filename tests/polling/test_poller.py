"""One poll: its results, and failures."""

import asyncio
from collections.abc import Callable, Mapping

import httpx
import pytest

from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.server import create_app
from insights_exporter.exposition.store import Changes, MetricStore, Source
from tests.polling.polled_deployment import (
    PolledDeployment,
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)

USERS = "coder_insights_template_active_users"
SUCCESS = "insights_exporter_poll_success"
AVAILABLE = "insights_exporter_dataset_available"
TEMPLATES = "/insights/templates"


class RejectingTransport(httpx.AsyncBaseTransport):
    """A server that rejects some requests."""

    def __init__(self, coder: EmbeddedCoder) -> None:
        self._inner = httpx.ASGITransport(create_app(coder))
        self.refuses: Callable[[httpx.URL], bool] = lambda _: False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond, or reject the request."""
        if self.refuses(request.url):
            return httpx.Response(400, stream=httpx.ByteStream(b"{}"))
        return await self._inner.handle_async_request(request)


class OddTransport(RejectingTransport):
    """A server with one invalid row in each report."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond with one invalid row."""
        response = await super().handle_async_request(request)
        body = (await response.aread()).replace(b'"apps_usage":[', b'"apps_usage":[{"slug":1},')
        headers = {name: text for name, text in response.headers.items() if name != "content-length"}
        return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(body))


def list_exposed_templates(page: str) -> set[str]:
    """Return the templates that are exposed with users."""
    return {dict(labels)["template_id"] for labels, users in parse_series(page, USERS).items() if users}


def get_template(url: httpx.URL) -> str:
    """Return the template of a request."""
    return str(url.params.get("template_ids", ""))


def poll_states(page: str, dataset: str) -> dict[str, float]:
    """Return the success of a dataset's polls by window."""
    states = {tuple(labels): value for labels, value in parse_series(page, SUCCESS).items()}
    return {
        dict(labels)["window"]: state
        for labels, state in states.items()
        if dict(labels)["dataset"] == dataset
    }


def test_failed_template_keeps_its_series_until_max_age() -> None:
    """Other templates are updated, the failure is exposed at once, and the series expire at max_age."""
    transport = RejectingTransport(create_small_coder())

    async def scenario() -> list[tuple[set[str], dict[str, float]]]:
        seen = []
        async with poll_deployment(transport, users={"windows": []}) as polled:
            for minutes in (2, 20, 20, 5):
                await asyncio.sleep(minutes * 60)
                page = polled.page()
                seen.append((list_exposed_templates(page), poll_states(page, "template-breakdown")))
                transport.refuses = lambda url: get_template(url) == min(seen[0][0])
        return seen

    (all_of_them, good), (still, failed), (old, _), (others, _) = run_on_fast_clock(scenario)

    assert len(all_of_them) >= 2
    assert ({"7d": 1.0}, {"7d": 0.0}) == (good, failed)
    assert all_of_them == still == old
    assert {min(all_of_them)} == all_of_them - others


def test_failed_breakdown_expires_at_max_age() -> None:
    """Without a response for any template, the breakdown expires at max_age, not before."""
    transport = RejectingTransport(create_small_coder())

    async def scenario() -> list[bool]:
        async with poll_deployment(transport) as polled:
            await asyncio.sleep(60)
            transport.refuses = lambda url: bool(get_template(url))
            shown = []
            for seconds in (2700 - 120, 240):
                await asyncio.sleep(seconds)
                shown.append(USERS in polled.page())
            return shown

    assert [True, False] == run_on_fast_clock(scenario)


def test_invalid_rows_are_counted_once_per_response() -> None:
    """Rows of a response that stays exposed are not counted again."""
    transport = OddTransport(create_small_coder())
    rows = "insights_exporter_rows_invalid_total"

    async def scenario() -> tuple[int, list[float | None]]:
        counts = []
        async with poll_deployment(transport) as polled:
            await asyncio.sleep(60)
            used = list_exposed_templates(polled.page())
            transport.refuses = lambda url: get_template(url) == min(used)
            for seconds in (0, 400):
                await asyncio.sleep(seconds)
                counts.append(polled.value(rows, dataset="template-breakdown"))
        return len(used), counts

    templates, (at_first, later) = run_on_fast_clock(scenario)

    assert (templates, 2 * templates - 1) == (at_first, later)


def test_failed_dataset_does_not_stop_the_others() -> None:
    """A Template Admin may not read daily users, but everything else."""

    async def scenario() -> str:
        async with poll_deployment(create_small_coder(role="template-admin")) as polled:
            await asyncio.sleep(60)
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert {"": 0.0} == poll_states(page, "daus")
    assert {"today": 1.0, "7d": 1.0, "30d": 1.0} == poll_states(page, "templates")
    assert (
        1.0
        == parse_series(page, "insights_exporter_request_failures_total")[
            ("dataset", "daus"), ("reason", "forbidden")
        ]
    )


def test_last_values_stay_until_max_age() -> None:
    """A failure is exposed at once; the values expire at max_age and are never zero."""
    coder = create_small_coder()

    async def scenario() -> list[tuple[float | None, float | None]]:
        seen = []
        async with poll_deployment(coder) as polled:
            await asyncio.sleep(60)
            coder.fail("500")
            for minutes in (8, 9):
                await asyncio.sleep(minutes * 60)
                seen.append((daily_users(polled), polled.value(SUCCESS, dataset="daus", window="")))
        return seen

    (kept, failed), (gone, still_failed) = run_on_fast_clock(scenario)

    assert kept is not None
    assert gone is None
    assert (0.0, 0.0) == (failed, still_failed)


def daily_users(polled: PolledDeployment) -> float | None:
    """Return the users of today."""
    return polled.value("coder_insights_daily_active_users", day="today")


def test_server_that_is_down_at_start_recovers() -> None:
    """The exporter polls on while Coder is down, and exposes its data when it is up."""
    coder = create_small_coder()
    coder.fail("503")

    async def scenario() -> list[float | None]:
        seen = []
        async with poll_deployment(coder) as polled:
            for _ in range(2):
                await asyncio.sleep(700)
                seen.append(daily_users(polled))
                coder.clear_faults()
        return seen

    before, after = run_on_fast_clock(scenario)

    assert before is None
    assert after is not None


def test_hourly_polls_do_not_wait_an_hour_after_an_outage() -> None:
    """Once a server is up again, all that failed because it was down is polled within ten minutes."""
    coder = create_small_coder()
    coder.fail("503")

    async def scenario() -> str:
        async with poll_deployment(coder) as polled:
            await asyncio.sleep(60)
            coder.clear_faults()
            await asyncio.sleep(600)
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert {1.0} == set(parse_series(page, SUCCESS).values())


def test_failing_polls_pause_longer_and_longer() -> None:
    """A server that fails for hours receives hardly more requests for an hourly dataset."""
    coder = create_small_coder()
    coder.fail("503")

    async def scenario() -> int:
        async with poll_deployment(coder, windows=["30d"]):
            await asyncio.sleep(8 * 3600)
            return sum("user-latency" in request.path for request in coder.requests)

    attempts_per_poll, polls_without_failures = 3, 9

    assert run_on_fast_clock(scenario) <= attempts_per_poll * (polls_without_failures + 5)


def test_result_that_cannot_be_published_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll whose result cannot be published is exposed as failed, and the others as successful."""
    replace, fails = MetricStore.replace, list[bool]()

    def fail_for_daus(store: MetricStore[object], entries: Mapping[Source, object], *rest: object) -> Changes:
        if any(source[1] == "daus" for source in entries) and fails:
            raise RuntimeError
        return replace(store, entries, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(MetricStore, "replace", fail_for_daus)

    async def scenario() -> list[dict[str, float]]:
        async with poll_deployment(create_small_coder()) as polled:
            states = []
            for _ in range(2):
                await asyncio.sleep(600)
                states += [poll_states(polled.page(), dataset) for dataset in ("daus", "periods")]
                fails.append(True)
            return states

    daus, periods, failed_daus, periods_later = run_on_fast_clock(scenario)

    assert ({"": 1.0}, {"": 0.0}) == (daus, failed_daus)
    assert {"": 1.0} == periods == periods_later
