"""The client, against a Coder over real sockets."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from insights_exporter.coder.errors import CAUSES, ApiError
from insights_exporter.coder.request import Request, TimeRange
from insights_exporter.config.models import Deployment
from insights_exporter.config.secrets import read_token
from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, Population, serve
from tests.coder.deployments import client, deployment
from tests.integration.waiting import eventually_async
from tests.support.fast_clock import run_fast

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
TODAY = Request(
    "/insights/templates", TimeRange(NOW.replace(hour=0, minute=0), NOW.replace(hour=11, minute=0))
)
DAUS = Request("/insights/daus")


@pytest.fixture(scope="module")
def population() -> Population:
    """Return a small population."""
    return Population(seed=1, users=20, templates=3)


@pytest.fixture
def server(population: Population) -> EmbeddedCoder:
    """Return a Coder of that population, at a fixed time."""
    return EmbeddedCoder(population=population, now=lambda: NOW)


@pytest.fixture
def url(server: EmbeddedCoder) -> Iterator[str]:
    """Yield the URL of that Coder."""
    with serve(server) as address:
        yield address


async def test_response_is_the_body(url: str) -> None:
    """A response is its body, and one request is recorded."""
    async with client(deployment(url)) as one:
        body = await one.coder.get(DAUS, one.options())

    assert body.startswith(b'{"entries":[')
    assert [None] == one.log.failures
    assert [511] == one.log.remaining


async def test_clock_is_learned(url: str) -> None:
    """Any response, also an error, sets the server's clock."""
    async with client(deployment(url), token=lambda: "wrong-token") as one:
        with suppress(ApiError):
            await one.coder.get(DAUS, one.options())
        now = one.clock.now()

    assert (now - NOW).total_seconds() < 60


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param("real", ["start_time", "start_time", "start_time"], id="the real server"),
        pytest.param("published", ["start_time", "before", "before", "before"], id="the published page"),
    ],
)
async def test_dialect_is_found_once(
    server: EmbeddedCoder, url: str, rules: str, expected: list[str]
) -> None:
    """One request finds the dialect while the others wait, and no later one is rejected for it."""
    server.rules = rules  # type: ignore[assignment]  # one of the two that there are
    async with client(deployment(url)) as one:
        await asyncio.gather(*(one.coder.get(TODAY, one.options()) for _ in range(3)))

    assert expected == [seen.query.partition("=")[0] for seen in server.requests]


async def test_first_rejection_is_the_error_if_both_dialects_fail(server: EmbeddedCoder, url: str) -> None:
    """If neither dialect is accepted, the first rejection is the error, and nothing is remembered."""
    tomorrow = Request(
        TODAY.path, TimeRange(NOW.replace(hour=0, minute=0), NOW.replace(day=6, hour=0, minute=0))
    )
    async with client(deployment(url)) as one:
        with pytest.raises(ApiError, match="Query parameter has invalid value") as failed:
            await one.coder.get(tomorrow, one.options())
        dialect = one.coder.dialect

    assert "rejected" == failed.value.reason
    assert 2 == len(server.requests)
    assert dialect is None


async def test_sign_in_page_does_not_decide_the_dialect(server: EmbeddedCoder, url: str) -> None:
    """A sign-in page that responds to everything with 200 does not decide the dialect."""
    server.fail("sign-in-page")
    async with client(deployment(url)) as one:
        await one.coder.get(TODAY, one.options())
        dialect = one.coder.dialect

    assert dialect is None


async def test_byte_order_mark_does_not_hide_the_dialect() -> None:
    """A gateway that sends a byte order mark before the JSON does not keep the dialect from being found."""
    body = httpx.ByteStream(b'\xef\xbb\xbf{"report":{}}')
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    async with client(deployment("http://coder.example.com"), transport=transport) as one:
        await one.coder.get(TODAY, one.options())
        dialect = one.coder.dialect

    assert "rfc3339" == dialect


async def test_request_that_the_published_dialect_lacks(server: EmbeddedCoder, url: str) -> None:
    """A request that needs further parameters is unsupported there, and not sent."""
    request = Request(TODAY.path, TODAY.span, extra={"template_ids": "x"}, needs_extra=True)
    async with client(deployment(url, dialect="published")) as one:
        with pytest.raises(ApiError) as failed:
            await one.coder.get(request, one.options())

    assert "unsupported" == failed.value.reason
    assert [] == list(server.requests)


STATUSES = Request(
    "/insights/user-status-counts", extra={"tz_offset": "-4"}, alternative={"timezone": "Etc/GMT+4"}
)
VERSIONS = {
    "a server that knows tz_offset": ("2025", ["tz_offset", "tz_offset"]),
    "a server that knows both": ("2026", ["tz_offset", "tz_offset"]),
    "a server that knows timezone": ("next", ["tz_offset", "timezone", "timezone"]),
}


@pytest.mark.parametrize(("version", "expected"), VERSIONS.values(), ids=VERSIONS)
async def test_rejected_parameters_are_replaced_by_the_alternative(
    population: Population, version: str, expected: list[str]
) -> None:
    """What works is remembered, and the response is the same."""
    server = EmbeddedCoder(population=population, now=lambda: NOW, server_version=version)
    with serve(server) as url:
        async with client(deployment(url)) as one:
            bodies = [await one.coder.get(STATUSES, one.options()) for _ in range(2)]

    assert expected == [seen.query.partition("=")[0] for seen in server.requests]
    assert bodies[0] == bodies[1]


async def test_alternative_is_dropped_once_it_is_rejected(population: Population) -> None:
    """A Coder that is rolled back gets the first parameters again."""
    server = EmbeddedCoder(population=population, now=lambda: NOW, server_version="next")
    with serve(server) as url:
        async with client(deployment(url)) as one:
            await one.coder.get(STATUSES, one.options())
            server.server_version = "2025"
            await one.coder.get(STATUSES, one.options())
            await one.coder.get(STATUSES, one.options())

    assert ["tz_offset", "timezone", "timezone", "tz_offset", "tz_offset"] == [
        seen.query.partition("=")[0] for seen in server.requests
    ]


async def test_first_rejection_is_the_error_if_the_alternative_fails_too(
    server: EmbeddedCoder, url: str
) -> None:
    """The error names the parameters that most servers support."""
    request = Request(STATUSES.path, extra={"first": "1"}, alternative={"second": "2"})
    async with client(deployment(url)) as one:
        with pytest.raises(ApiError) as failed:
            await one.coder.get(request, one.options())

    assert "rejected" == failed.value.reason
    assert one.log.failures[0] is not None
    assert one.log.failures[0].detail == failed.value.detail
    assert ["first", "second"] == [seen.query.partition("=")[0] for seen in server.requests]


async def test_alternative_is_remembered_when_found_at_the_same_time(population: Population) -> None:
    """One that finds it does not undo what the other found."""
    server = EmbeddedCoder(population=population, now=lambda: NOW, server_version="next")
    with serve(server) as url:
        async with client(deployment(url, max_concurrency=2)) as one:
            await asyncio.gather(*(one.coder.get(STATUSES, one.options()) for _ in range(2)))
            await one.coder.get(STATUSES, one.options())

    assert ["timezone"] == [seen.query.partition("=")[0] for seen in list(server.requests)[4:]]


SECOND_TRIES = {
    "the same": (400, "rejected"),
    "no such route": (404, "not_found"),
    "the token": (401, "unauthorized"),
    "the server": (500, "server_error"),
}


@pytest.mark.parametrize(("status", "reason"), SECOND_TRIES.values(), ids=SECOND_TRIES)
@pytest.mark.parametrize("sent", [TODAY, Request(DAUS.path, alternative={"second": "2"})])
async def test_second_attempt_fails_for_its_own_reason(sent: Request, status: int, reason: str) -> None:
    """Only if both are rejected is it about the parameters."""
    statuses = iter([400, status])
    transport = httpx.MockTransport(lambda _: httpx.Response(next(statuses), stream=httpx.ByteStream(b"{}")))
    async with client(deployment("http://coder.example.com"), transport=transport) as one:
        with pytest.raises(ApiError) as failed:
            await one.coder.get(sent, one.options())

    assert reason == failed.value.reason


@pytest.mark.parametrize(("fault", "reason"), [("401", "unauthorized"), ("403", "forbidden")])
async def test_alternative_is_not_sent_after_another_refusal(
    server: EmbeddedCoder, url: str, fault: str, reason: str
) -> None:
    """Other parameters do not help there."""
    server.fail(fault)
    async with client(deployment(url)) as one:
        with pytest.raises(ApiError) as failed:
            await one.coder.get(STATUSES, one.options())

    assert reason == failed.value.reason
    assert 1 == len(one.log.failures)


async def test_transient_failure_is_tried_again(server: EmbeddedCoder, url: str) -> None:
    """After a 503 the request is sent again, and every attempt is recorded."""
    server.fail("503")
    async with client(deployment(url)) as one:
        request = asyncio.create_task(one.coder.get(DAUS, one.options()))
        await eventually_async(lambda: one.log.failures)
        server.clear_faults()
        await request

    assert ["server_error", None] == [failure and failure.reason for failure in one.log.failures]


def test_retry_after_delays_the_next_attempt() -> None:
    """After a 503 with `Retry-After`, the next attempt starts at that time; other requests do not wait."""
    times: list[float] = []

    def respond(request: httpx.Request) -> httpx.Response:
        times.append(asyncio.get_running_loop().time())
        is_busy = request.url.path.endswith(DAUS.path) and len(times) == 1
        headers = {"Retry-After": "40"} if is_busy else {}
        return httpx.Response(503 if is_busy else 200, headers=headers, stream=httpx.ByteStream(b"{}"))

    async def scenario() -> None:
        transport = httpx.MockTransport(respond)
        async with client(deployment("http://coder.example.com"), transport=transport) as one:
            until = one.options(deadline=asyncio.get_running_loop().time() + 60)
            first = asyncio.create_task(one.coder.get(DAUS, until))
            await asyncio.sleep(1)
            await one.coder.get(DAUS, until)
            await first

    run_fast(NOW, scenario)

    assert [0, 1, 40] == [round(time) for time in times]


@pytest.mark.parametrize(("retry_after", "attempts"), [("0", 3), ("86400", 1)])
def test_retry_after_neither_hurries_nor_stalls(retry_after: str, attempts: int) -> None:
    """There are pauses despite `Retry-After: 0`, and a day is not waited, even without a deadline."""

    def respond(_: httpx.Request) -> httpx.Response:
        headers = {"Retry-After": retry_after}
        return httpx.Response(503, headers=headers, stream=httpx.ByteStream(b""))

    async def scenario() -> tuple[int, float]:
        transport = httpx.MockTransport(respond)
        async with client(deployment("http://coder.example.com"), transport=transport) as one:
            started = asyncio.get_running_loop().time()
            with pytest.raises(ApiError):
                await one.coder.get(DAUS, one.options(deadline=float("inf")))
            return len(one.log.failures), asyncio.get_running_loop().time() - started

    made, seconds = run_fast(NOW, scenario)

    assert attempts == made
    assert 1.5 * (attempts > 1) <= seconds < 5


async def test_no_attempt_starts_after_the_deadline(server: EmbeddedCoder, url: str) -> None:
    """No attempt starts after the deadline."""
    server.fail("429-seconds")
    async with client(deployment(url)) as one:
        with pytest.raises(ApiError) as failed:
            await one.coder.get(DAUS, one.options(deadline=asyncio.get_running_loop().time() + 30))
        with pytest.raises(ApiError, match="longer wait"):
            await one.coder.get(DAUS, one.options(deadline=asyncio.get_running_loop().time() + 30))

    assert 60 == failed.value.retry_after
    assert 1 == len(server.requests)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("429-seconds", 60), ("429-date", 60)],
)
async def test_rate_limit_blocks_only_its_path(
    server: EmbeddedCoder, url: str, fault: str, expected: float
) -> None:
    """A 429 blocks requests to its path for the time in Retry-After, and to no other path."""
    server.fail(fault, "/insights/daus")
    async with client(deployment(url)) as one:
        with suppress(ApiError):
            await one.coder.get(DAUS, one.options(deadline=asyncio.get_running_loop().time() + 1))
        blocked = one.coder.rate_limiter.measure_block("/insights/daus")
        other = await one.coder.get(TODAY, one.options())

    assert pytest.approx(expected, abs=5) == blocked
    assert other


async def test_token_is_read_for_each_request(url: str) -> None:
    """A changed token is used from the next request on."""
    tokens = iter(["wrong-token", DEMO_TOKEN])
    async with client(deployment(url), token=lambda: next(tokens)) as one:
        with pytest.raises(ApiError) as failed:
            await one.coder.get(DAUS, one.options())
        await one.coder.get(DAUS, one.options())

    assert "unauthorized" == failed.value.reason
    assert "wrong-token" not in str(failed.value)


async def test_redirect_is_not_followed(server: EmbeddedCoder, url: str) -> None:
    """A redirect is a failure that names its target's server only: a token must not travel."""
    server.fail("redirect")
    async with client(deployment(url)) as one:
        with pytest.raises(ApiError) as failed:
            await one.coder.get(DAUS, one.options())

    assert "redirect" == failed.value.reason
    assert "HTTP 302 for /insights/daus: redirects to https://login.example.com" == failed.value.detail
    assert 1 == len(server.requests)


async def test_netrc_is_not_read(
    server: EmbeddedCoder, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `.netrc` of the user brings no password into a request."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    async with client(deployment(url)) as one:
        request = one.coder._http.build_request("GET", url)  # noqa: SLF001 -- what would be sent
        await one.coder.get(DAUS, one.options())

    assert "authorization" not in request.headers
    assert 200 == server.requests[0].status


async def test_timeout_bounds_the_whole_request(server: EmbeddedCoder, url: str) -> None:
    """The timeout bounds a request as a whole, the body included."""
    server.fail("slow")
    async with client(deployment(url, timeout="300ms")) as one:
        with pytest.raises(ApiError, match=r"0\.3 s") as failed:
            await one.coder.get(DAUS, one.options(deadline=asyncio.get_running_loop().time() + 0.2))

    assert "timeout" == failed.value.reason


async def test_unreachable_server() -> None:
    """A server that cannot be reached is a failure of the connection."""
    async with client(deployment("http://127.0.0.1:9")) as one:
        with pytest.raises(ApiError) as failed:
            await one.coder.get(DAUS, one.options(deadline=asyncio.get_running_loop().time() + 0.2))

    assert "connection" == failed.value.reason


async def test_token_file_that_becomes_wrapped(server: EmbeddedCoder, url: str, tmp_path: Path) -> None:
    """The poll fails with what the token is wrapped in, nothing is sent, and no new token is advised."""
    path = tmp_path / "token"
    path.write_text(f'"{DEMO_TOKEN}"', encoding="utf-8")
    config = Deployment(url=url, token_file=path)
    async with client(config, token=lambda: read_token(config, {})) as one:
        with pytest.raises(ApiError, match=r"token is wrapped in quotes") as failed:
            await one.coder.get(DAUS, one.options())

    assert CAUSES["token_unreadable"].remedy == failed.value.remedy
    assert not server.requests
