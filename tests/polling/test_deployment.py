"""One deployment from start to stop."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from structlog.testing import capture_logs

from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.server import create_app
from insights_exporter.polling.scheduler import Scheduler
from insights_exporter.polling.status import POLL_DURATION, POLL_FAMILIES
from tests.polling.polled_deployment import (
    START,
    create_small_coder,
    parse_series,
    poll_deployment,
    run_on_fast_clock,
)


class Later(httpx.AsyncBaseTransport):
    """A server that responds after a while."""

    def __init__(self, coder: EmbeddedCoder, seconds: float) -> None:
        self._inner = httpx.ASGITransport(create_app(coder))
        self._seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond after a while."""
        await asyncio.sleep(self._seconds)
        return await self._inner.handle_async_request(request)


def test_health_is_exposed_before_the_first_poll() -> None:
    """Before the first poll: no success, no series, the configured interval and max_age, no duration."""

    async def scenario() -> tuple[str, int]:
        async with poll_deployment(Later(create_small_coder(), 10)) as polled:
            await asyncio.sleep(0.5)
            return polled.page(), len(polled.poller.jobs)

    page, jobs = run_on_fast_clock(scenario)
    health = {family.name: parse_series(page, family.name) for family in POLL_FAMILIES}

    assert {} == health.pop(POLL_DURATION.name)
    assert {jobs} == {len(series) for series in health.values()}
    assert {0.0} == {
        value
        for name in (
            "poll_success",
            "last_success_timestamp_seconds",
            "series",
            "series_folded",
            "series_dropped",
        )
        for value in health[f"insights_exporter_{name}"].values()
    }
    assert {300.0, 900.0, 3600.0} == set(health["insights_exporter_poll_interval_seconds"].values())
    assert {900.0, 2700.0, 10800.0} == set(health["insights_exporter_max_age_seconds"].values())
    assert {0.0} == set(parse_series(page, "insights_exporter_request_failures_total").values())
    assert "coder_insights" not in page


def test_everything_is_polled_at_the_start() -> None:
    """Every job is polled within seconds of the start, for any interval."""

    async def scenario() -> str:
        async with poll_deployment(create_small_coder()) as polled:
            await asyncio.sleep(30)
            assert polled.poller.is_tried
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert {1.0} == set(parse_series(page, "insights_exporter_poll_success").values())
    assert all(
        START.timestamp() <= time <= START.timestamp() + 30
        for time in parse_series(page, "insights_exporter_last_success_timestamp_seconds").values()
    )


@pytest.mark.parametrize(
    ("fault", "failed"),
    [
        pytest.param("", 0, id="all datasets succeed"),
        pytest.param("500", 3, id="the breakdown waits for a missing report"),
        pytest.param("404-disabled", 0, id="the server does not have the dataset"),
    ],
)
def test_first_round_is_logged_once(fault: str, failed: int) -> None:
    """Once every job was tried, one line counts polls, failures and series, and later rounds log nothing."""
    coder = create_small_coder()
    if fault:
        coder.fail(fault, "/insights/templates")

    async def scenario() -> tuple[int, int]:
        async with poll_deployment(coder, datasets={"periods": {"enabled": False}}) as polled:
            await asyncio.sleep(4000)
            jobs = polled.poller.jobs
            return len(jobs), sum(job.status.series for job in jobs)

    with capture_logs() as lines:
        polls, series = run_on_fast_clock(scenario)
    (line,) = [line for line in lines if line["event"] == "first round complete"]

    assert (polls, failed, "dev") == (line["polls"], line["failed"], line["deployment"])
    assert line["series"] == pytest.approx(series, rel=0.1)
    assert float(line["duration"].removesuffix("s")) < 300


def test_polls_wait_for_the_first_response() -> None:
    """The first response sets the server's clock, from which windows are computed."""
    coder = create_small_coder()

    async def scenario() -> None:
        async with poll_deployment(coder):
            await asyncio.sleep(30)

    run_on_fast_clock(scenario)

    assert "/api/v2/buildinfo" == coder.requests[0].path


@pytest.mark.parametrize("seconds", [0.1, 5.0, 500.0], ids=["fast", "slow", "slower than the timeout"])
def test_failed_poll_counts_as_a_try(seconds: float) -> None:
    """Readiness needs one poll of each job, not its success."""

    async def scenario() -> tuple[bool, bool]:
        async with poll_deployment(Later(create_small_coder(), seconds)) as polled:
            at_first = polled.poller.is_tried
            await asyncio.sleep(1800)
            return at_first, polled.poller.is_tried

    assert (False, True) == run_on_fast_clock(scenario)


def test_stopped_deployment_leaves_nothing() -> None:
    """After a stop nothing is exposed or requested, and running polls end at once."""
    coder = create_small_coder()

    async def scenario() -> tuple[str, int, int]:
        async with poll_deployment(Later(coder, 3)) as polled:
            await asyncio.sleep(11)
            assert "coder_insights" in polled.page()
            before = asyncio.get_running_loop().time()
            await polled.poller.stop()
            assert before == asyncio.get_running_loop().time()
            requested = len(coder.requests)
            await asyncio.sleep(4000)
            return polled.page(), requested, len(coder.requests)

    page, requested, requested_later = run_on_fast_clock(scenario)

    assert "" == page
    assert requested == requested_later


def test_run_that_begins_after_the_stop_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that the scheduler had begun when its job was removed polls nothing, and is no bug in the log."""
    runs: list[Callable[[], Awaitable[None]]] = []
    monkeypatch.setattr(Scheduler, "add", lambda _self, _job, run, *_times: runs.append(run))

    async def scenario() -> None:
        async with poll_deployment(create_small_coder()) as polled:
            await polled.poller.stop()
            async with asyncio.timeout(60):
                await asyncio.gather(*(run() for run in runs))

    with capture_logs() as logs:
        run_on_fast_clock(scenario)

    assert runs
    assert [] == logs


def test_poll_once_polls_every_job() -> None:
    """One round polls every job, the breakdown after the reports that name its templates."""

    async def scenario() -> str:
        async with poll_deployment(create_small_coder()) as polled:
            await polled.poller.poll_once()
            await asyncio.sleep(1)  # the page follows its changes a moment later
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert {1.0} == set(parse_series(page, "insights_exporter_poll_success").values())


def test_poll_once_takes_as_long_as_the_rate_limit_demands() -> None:
    """In a one-shot command no request is given up because the configured rate admits few per minute."""

    async def scenario() -> str:
        async with poll_deployment(create_small_coder(), windows=["7d"], requests_per_minute=1) as polled:
            await asyncio.sleep(2000)  # the round at the start is over then
            await polled.poller.poll_once()
            await asyncio.sleep(1)
            return polled.page()

    page = run_on_fast_clock(scenario)

    assert {1.0} == set(parse_series(page, "insights_exporter_poll_success").values())
