"""The embedded Coder over real sockets."""

import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from email.utils import parsedate_to_datetime
from functools import partial

import httpx
import pytest

from insights_exporter.demo import DEMO_TOKEN, EmbeddedCoder, serve
from tests.demo.client import FOUR, NOW, WEEK, build_query, coder
from tests.integration.plain_http import NO_AUTHORITIES
from tests.integration.waiting import eventually

TOKEN = {"Coder-Session-Token": DEMO_TOKEN}


@pytest.mark.parametrize("endpoint", FOUR)
def test_response_over_http(endpoint: str) -> None:
    """The HTTP response equals the response of the server, byte for byte."""
    server = coder()
    with serve(server) as url:
        response = httpx.get(f"{url}/api/v2/insights/{endpoint}", params=build_query(endpoint), headers=TOKEN)

    alone = server.respond(
        "GET",
        f"/api/v2/insights/{endpoint}",
        response.url.query.decode(),
        {"coder-session-token": DEMO_TOKEN},
    )
    assert (200, alone.body) == (response.status_code, response.content)
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert parsedate_to_datetime(response.headers["Date"]) == NOW
    assert "server" not in response.headers


def test_role_changes_while_it_runs() -> None:
    """A changed role is used from the next request on."""
    server = coder()
    with serve(server) as url, httpx.Client(base_url=f"{url}/api/v2", headers=TOKEN) as client:
        before = client.get("/insights/daus")
        server.role = "member"
        after = client.get("/insights/daus")

    assert [200, 403] == [before.status_code, after.status_code]


def test_nothing_listens_afterwards() -> None:
    """The port is free after the block."""
    with serve(coder()) as url:
        httpx.get(f"{url}/api/v2/buildinfo").raise_for_status()

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/api/v2/buildinfo")


def test_plus_in_a_query_is_a_space() -> None:
    """An offset whose plus was not escaped is refused."""
    with serve(coder()) as url:
        start = "2026-05-14T00:00:00+03:00"
        query = f"start_time={start}&end_time={WEEK['end_time']}"
        response = httpx.get(f"{url}/api/v2/insights/templates?{query}", headers=TOKEN)

    assert response.status_code == 400
    assert 'parsing time \\"2026-05-14T00:00:00 03:00\\"' in response.text


def test_many_servers_share_a_port() -> None:
    """Each server is below its own name."""
    coders = {"one": coder(role="owner"), "two": coder(role="member")}
    with serve(coders) as url:
        statuses = [
            httpx.get(f"{url}/{name}/api/v2/insights/daus", headers=TOKEN).status_code
            for name in ("one", "two", "three")
        ]

    assert [200, 403, 404] == statuses
    assert [1, 1] == [len(each.requests) for each in coders.values()]


def test_head_has_no_body() -> None:
    """HEAD gets the response of GET without its body."""
    with serve(coder()) as url:
        response = httpx.head(f"{url}/api/v2/buildinfo")

    assert (200, b"") == (response.status_code, response.content)


def test_port_may_be_chosen() -> None:
    """The port can be selected."""
    with serve(coder()) as url:
        port = int(url.rpartition(":")[2])
    with serve(coder(), port) as again:
        assert url == again


@contextmanager
def run_clients(url: str, count: int) -> Iterator[None]:
    """Run clients in the background that send requests, each over new connections, until the block ends."""
    ended = threading.Event()

    def send_requests() -> None:
        while not ended.is_set():
            try:
                httpx.get(url, headers=TOKEN, trust_env=False, verify=NO_AUTHORITIES)
            except httpx.TransportError:
                ended.wait(0.001)

    with ThreadPoolExecutor(count) as pool:
        clients = [pool.submit(send_requests) for _ in range(count)]
        try:
            yield
        finally:
            ended.set()
        for client in clients:
            client.result()


def test_ends_while_requests_are_in_flight(
    recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    """The server ends all connections before its event loop, however often it ends under load."""
    warnings.simplefilter("always")
    for fault in ["", "no-response", "slow", "", ""] * 10:
        server = coder()
        if fault:
            server.fail(fault)
        with ExitStack() as clients, serve(server) as url:
            clients.enter_context(run_clients(f"{url}/api/v2/insights/daus", count=8))
            eventually(partial(_has_requests, server, 8))

    assert [] == [str(warning.message) for warning in recwarn]
    assert [] == caplog.records


def _has_requests(server: EmbeddedCoder, count: int) -> bool:
    return len(server.requests) >= count
