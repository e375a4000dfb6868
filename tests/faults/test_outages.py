"""Long outages, on a clock that jumps: how they are reported, and how they end."""

import asyncio
from collections.abc import Callable, Sequence

import httpx
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from insights_exporter.coder.errors import CAUSES
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.server import create_app
from tests.faults.cases import CASES, FaultCase
from tests.polling.polled_deployment import create_small_coder, poll_deployment, run_on_fast_clock

HOUR = 3600.0
DAY = 24 * HOUR
BACK = "poll recovered"
ODD_ROWS = (
    b'{"entries":[{"date":"2026-05-20","amount":1},'
    b'{"date":5,"amount":1},{"date":"x"},{"date":6,"amount":1}],"tz_hour_offset":0}'
)


def poll_only(*datasets: str) -> dict[str, object]:
    """Return a config that polls nothing else."""
    off = {name: {"enabled": False} for name in DATASETS.keys() - set(datasets)}
    return {"datasets": off, "windows": ["today"]}


class StoppedServer(httpx.AsyncBaseTransport):
    """A network that loses its server, each time in the next one of several ways."""

    def __init__(self, coder: EmbeddedCoder, ways: Sequence[Callable[[], httpx.HTTPError | None]]) -> None:
        self._inner = httpx.ASGITransport(create_app(coder))
        self._ways = ways
        self.down = False
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond, or fail in the next way."""
        if self.down:
            self.requests += 1
            error = self._ways[self.requests % len(self._ways)]()
            if error:
                raise error
        return await self._inner.handle_async_request(request)


def capture_log(work: Callable[[], object]) -> list[EventDict]:
    """Return the log lines about faults that `work` leads to."""
    with capture_logs() as lines:
        work()
    return [line for line in lines if line["event"] != "first round complete"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.patient and not case.from_start], ids=lambda c: c.name
)
def test_rarely_polled_datasets_recover(case: FaultCase) -> None:
    """Datasets that were unavailable or rate limited are polled again in time and then served."""
    coder = create_small_coder()
    path = f"/insights/{case.dataset}"

    async def scenario() -> tuple[float | None, float | None]:
        async with poll_deployment(coder, **poll_only(case.dataset)) as polled:
            coder.fail(coder_fault(case), path)
            await asyncio.sleep(HOUR / 2)
            during = polled.value("insights_exporter_poll_success", dataset=case.dataset, window="")
            coder.clear_faults()
            await asyncio.sleep(2 * HOUR)
            return during, polled.value("insights_exporter_poll_success", dataset=case.dataset, window="")

    during, after = run_on_fast_clock(scenario)

    assert (0.0 if case.available else None) == during
    assert after == 1.0


def coder_fault(case: FaultCase) -> str:
    """Name the fault of a case as the embedded Coder does."""
    return case.name.removesuffix(f"-{case.dataset}")


@pytest.mark.parametrize(
    ("ways", "reasons"),
    [
        pytest.param([lambda: httpx.ConnectError("refused")], ["connection"], id="always refused"),
        pytest.param(
            [lambda: httpx.ConnectError("refused"), lambda: httpx.ReadTimeout("silence")],
            ["connection", "timeout"],
            id="refused and silent in turns",
        ),
    ],
)
def test_day_of_outage_is_a_handful_of_lines(
    ways: Sequence[Callable[[], httpx.HTTPError | None]], reasons: list[str]
) -> None:
    """A server that is down for a day is a line a reason, and one at the end that counts."""
    network = StoppedServer(create_small_coder(), ways)

    async def scenario() -> None:
        async with poll_deployment(network, **poll_only("daus", "templates")):
            await asyncio.sleep(HOUR)
            network.down = True
            await asyncio.sleep(DAY)
            network.down = False
            await asyncio.sleep(2 * HOUR)

    lines = capture_log(lambda: run_on_fast_clock(scenario))
    failed, over = lines[:-1], lines[-1]

    assert network.requests > 500
    assert sorted(reasons) == sorted(line["reason"] for line in failed)
    assert all(line["event"] == "poll failed" and line["remedy"] and line["dataset"] for line in failed)
    assert (BACK, "dev", set(reasons)) == (over["event"], over["deployment"], set(over["reason"].split(",")))
    assert over["failed_polls"] > 300
    assert DAY - HOUR < over["seconds"] < DAY + 2 * HOUR
    assert "daus,templates" == over["dataset"]


def test_failure_of_one_dataset_is_logged_for_it_alone() -> None:
    """A dataset that is denied for hours is logged once, with its name, and once on recovery."""
    coder = create_small_coder()

    async def scenario() -> None:
        async with poll_deployment(coder, **poll_only("daus")):
            await asyncio.sleep(HOUR / 4)
            coder.fail("403", "/insights/daus")
            await asyncio.sleep(5 * HOUR)
            coder.clear_faults()
            await asyncio.sleep(HOUR / 4)

    failed, over = capture_log(lambda: run_on_fast_clock(scenario))

    assert ("poll failed", "daus", "forbidden") == (failed["event"], failed["dataset"], failed["reason"])
    assert "Auditor" in failed["remedy"]
    assert (BACK, "daus", "forbidden") == (over["event"], over["dataset"], over["reason"])
    assert over["failed_polls"] == pytest.approx(5 * HOUR / 300, abs=1)


@pytest.mark.parametrize(
    ("fault", "reason"), [("404-route", "unsupported"), ("404-disabled", "disabled")], ids=["no route", "off"]
)
def test_dataset_that_the_server_does_not_have_is_no_warning(fault: str, reason: str) -> None:
    """A dataset that the server does not have is logged once, at info, without a remedy."""
    coder = create_small_coder()
    coder.fail(fault, "/insights/user-status-counts")

    async def scenario() -> None:
        async with poll_deployment(coder, **poll_only("user-status-counts")):
            await asyncio.sleep(5 * HOUR)

    (line,) = capture_log(lambda: run_on_fast_clock(scenario))

    assert ("dataset not available", "info") == (line["event"], line["log_level"])
    assert ("user-status-counts", reason) == (line["dataset"], line["reason"])
    assert "remedy" not in line


def test_each_cause_is_logged_with_its_own_remedy() -> None:
    """A token that expires and whose user is then suspended is two lines with two remedies."""
    coder = create_small_coder()

    async def scenario() -> None:
        async with poll_deployment(coder, **poll_only("daus")):
            for fault in ("401-expired", "401-suspended", "401-expired"):
                coder.fail(fault, "/insights/daus")
                await asyncio.sleep(HOUR)
            coder.clear_faults()
            await asyncio.sleep(HOUR / 4)

    expired, suspended, over = capture_log(lambda: run_on_fast_clock(scenario))

    assert ["unauthorized"] * 3 == [line["reason"] for line in (expired, suspended, over)]
    assert CAUSES["token_expired"].remedy == expired["remedy"]
    assert CAUSES["user_suspended"].remedy == suspended["remedy"]


class AlternatingTransport(httpx.AsyncBaseTransport):
    """A server that, while it is `down`, refuses one path in each poll in the next of several ways."""

    def __init__(self, coder: EmbeddedCoder, path: str, statuses: Sequence[int]) -> None:
        self._inner = httpx.ASGITransport(create_app(coder))
        self._path = path
        self._statuses = statuses
        self.down = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Respond, or fail in the way of the current five minutes."""
        if not (self.down and request.url.path.endswith(self._path)):
            return await self._inner.handle_async_request(request)
        turn = int(asyncio.get_running_loop().time() // 300) % len(self._statuses)
        return httpx.Response(self._statuses[turn], stream=httpx.ByteStream(b""))


@pytest.mark.parametrize(
    ("statuses", "reasons"),
    [
        pytest.param((403, 502), {"forbidden", "server_error"}, id="403 and 502"),
        pytest.param((403, 401, 502), {"forbidden", "unauthorized", "server_error"}, id="403, 401 and 502"),
    ],
)
def test_alternating_reasons_are_logged_once(statuses: Sequence[int], reasons: set[str]) -> None:
    """A dataset that fails for alternating reasons recovers once, when it works again."""
    server = AlternatingTransport(create_small_coder(), "/insights/daus", statuses)

    async def scenario() -> None:
        async with poll_deployment(server, **poll_only("daus")):
            await asyncio.sleep(HOUR / 4)
            server.down = True
            await asyncio.sleep(5 * HOUR)
            server.down = False
            await asyncio.sleep(HOUR / 4)

    lines = capture_log(lambda: run_on_fast_clock(scenario))
    failed = [line["reason"] for line in lines if line["event"] == "poll failed"]
    over = [line for line in lines if line["event"] == BACK]

    assert sorted(reasons) == sorted(failed)
    assert ["poll failed"] * len(reasons) == [line["event"] for line in lines[: len(reasons)]]
    assert reasons == {reason for line in over for reason in line["reason"].split(",")}
    assert sum(line["failed_polls"] for line in over) == pytest.approx(5 * HOUR / 300, abs=1)


def test_invalid_rows_are_logged_once_per_kind() -> None:
    """Invalid rows in the responses of a whole day are logged once for each kind of row."""
    coder = create_small_coder()

    class InvalidRows(httpx.AsyncBaseTransport):
        inner = httpx.ASGITransport(create_app(coder))

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/daus"):
                return httpx.Response(200, stream=httpx.ByteStream(ODD_ROWS))
            return await self.inner.handle_async_request(request)

    async def scenario() -> None:
        async with poll_deployment(InvalidRows(), **poll_only("daus")):
            await asyncio.sleep(DAY)

    lines = capture_log(lambda: run_on_fast_clock(scenario))

    assert len(lines) == 2
    assert all((line["event"], line["dataset"]) == ("dropped invalid row", "daus") for line in lines)
    assert all(line["err"] and line["remedy"] for line in lines)
