"""Faults that are responses, over real sockets."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from insights_exporter.demo import FAULTS
from insights_exporter.demo.faults import LAST_DAY
from tests.demo.client import NOW
from tests.demo.faulty_server import FaultyServer

STATUSES = {
    "sign-in-page": 200,
    "bad-utf8": 200,
    "wrong-shape": 200,
    "redirect": 302,
    "400": 400,
    "401": 401,
    "401-missing": 401,
    "401-malformed": 401,
    "401-secret": 401,
    "401-expired": 401,
    "401-suspended": 401,
    "401-login": 401,
    "403": 403,
    "403-premium": 403,
    "403-proxy": 403,
    "405": 405,
    "407": 407,
    "413": 413,
    "421": 421,
    "431": 431,
    "451": 451,
    "404-route": 404,
    "404-no-access": 404,
    "404-disabled": 404,
    "408": 408,
    "429-seconds": 429,
    "429-date": 429,
    "500": 500,
    "502": 502,
    "503": 503,
    "504": 504,
}
BROKEN = {
    "refused": httpx.ConnectError,
    "reset": httpx.ReadError,
    "truncated": httpx.RemoteProtocolError,
}
STREAMS = {"slow", "gzip-bomb", "endless", "no-response"}
OTHERS = {
    "wrong-length",
    "not-licensed",
    "groups-not-licensed",
    "seats-not-licensed",
    "grace-period",
    "no-build-times",
    "clock-ahead",
    "clock-behind",
    "clock-far-future",
}


def test_every_fault_is_tried() -> None:
    """Each fault has a test, here or in test_fault_responses."""
    assert {*STATUSES, *BROKEN, *STREAMS, *OTHERS} == set(FAULTS)


@pytest.mark.parametrize("fault", STATUSES)
def test_faulty_responses(failing: FaultyServer, fault: str) -> None:
    """Faulty responses are complete, with the status in their name."""
    response = failing.get(fault)

    assert STATUSES[fault] == response.status_code == failing.server.requests[-1].status
    assert parsedate_to_datetime(response.headers["Date"]) == NOW


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_connections(failing: FaultyServer, fault: str) -> None:
    """Broken connections raise the expected error."""
    with pytest.raises(BROKEN[fault]):
        failing.get(fault)


@pytest.mark.parametrize("fault", ["refused", "no-response", "wrong-length", "401", "clock-ahead"])
def test_cleared_fault(failing: FaultyServer, fault: str) -> None:
    """After a fault the same client gets normal responses."""
    failing.server.fail(fault)

    assert failing.get_cleared().status_code == 200
    assert failing.server.requests[-1].status == 200


@pytest.mark.parametrize("fault", ["refused", "no-response", "401", "clock-ahead", "not-licensed"])
def test_fault_of_one_path(failing: FaultyServer, fault: str) -> None:
    """A fault may be limited to some paths."""
    assert failing.get(fault, "/insights/templates", "/templates").status_code == 200


@pytest.mark.parametrize(("fault", "days"), [("clock-ahead", 1), ("clock-behind", -1)])
def test_wrong_clock(failing: FaultyServer, fault: str, days: int) -> None:
    """A wrong clock affects the Date header and the newest day."""
    response = failing.get(fault)
    there = NOW + timedelta(days=days)

    assert there == parsedate_to_datetime(response.headers["Date"])
    assert f"{there:%Y-%m-%d}" == max(entry["date"] for entry in response.json()["entries"])


def test_clock_in_the_far_future(failing: FaultyServer) -> None:
    """A clock in the far future affects only the Date header."""
    response = failing.get("clock-far-future")

    assert LAST_DAY == response.headers["Date"]
    assert f"{NOW:%Y-%m-%d}" == max(entry["date"] for entry in response.json()["entries"])


def test_retry_after_date(failing: FaultyServer) -> None:
    """Retry-After may be a date."""
    seconds, date = (failing.get(fault).headers["Retry-After"] for fault in ("429-seconds", "429-date"))

    assert seconds == "60"
    assert parsedate_to_datetime(date) == NOW + timedelta(seconds=60)


def test_500_has_two_documents(failing: FaultyServer) -> None:
    """The body of a 500 has two JSON documents."""
    first, second = failing.get("500").content.splitlines()

    assert first.startswith(b'{"message":"Internal error fetching DAUs."')
    assert second == b'{"entries":[],"tz_hour_offset":0}'


def test_bad_utf8_is_inside_a_text(failing: FaultyServer) -> None:
    """The JSON is complete except for bytes that are not UTF-8."""
    assert b'"date":"\xff\xfe' in failing.get("bad-utf8").content


def test_redirect_leads_to_another_host(failing: FaultyServer) -> None:
    """The redirect has the address of another host."""
    assert failing.get("redirect").headers["Location"] == "https://login.example.com/"
