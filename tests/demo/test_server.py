"""The embedded Coder over real sockets."""

from email.utils import parsedate_to_datetime

import httpx
import pytest

from insights_exporter.demo import DEMO_TOKEN, serve
from tests.demo.client import FOUR, NOW, WEEK, build_query, coder

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
