"""The faults that are answers, each as a client meets it over real sockets."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from insights_exporter.demo import FAULTS
from insights_exporter.demo.faults import LAST_DAY
from tests.demo.client import NOW, coder
from tests.demo.faulty_server import Failing

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
OTHERS = {"wrong-length", "not-licensed", "clock-ahead", "clock-behind", "clock-far-future"}


def test_every_fault_is_tried() -> None:
    """No fault of the table is without a test, here or about the wire."""
    assert {*STATUSES, *BROKEN, *STREAMS, *OTHERS} == set(FAULTS)


@pytest.mark.parametrize("fault", STATUSES)
def test_fault_that_is_an_answer(failing: Failing, fault: str) -> None:
    """Refusals and wrong answers come whole, with the status they are named after."""
    response = failing.get(fault)
    seen = failing.server.requests[-1]

    assert STATUSES[fault] == response.status_code
    assert (fault, STATUSES[fault]) == (seen.fault, seen.status)
    assert parsedate_to_datetime(response.headers["Date"]) == NOW


@pytest.mark.parametrize("fault", BROKEN)
def test_fault_that_breaks_the_connection(failing: Failing, fault: str) -> None:
    """Connections that break do so as named."""
    with pytest.raises(BROKEN[fault]):
        failing.get(fault)


@pytest.mark.parametrize("fault", FAULTS)
def test_mended_server_is_as_before(failing: Failing, fault: str) -> None:
    """After a fault the same client is served as if nothing had been."""
    failing.server.fail(fault)

    assert failing.mended().status_code == 200
    assert failing.server.requests[-1].fault == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_of_one_path_leaves_others_alone(failing: Failing, fault: str) -> None:
    """A fault may be given to some paths only."""
    assert failing.get(fault, "/insights/templates", "/templates").status_code == 200


@pytest.mark.parametrize(("fault", "days"), [("clock-ahead", 1), ("clock-behind", -1)])
def test_clock_a_day_off_shows_in_date_and_rules(failing: Failing, fault: str, days: int) -> None:
    """The server believes in its clock: its date and its newest day are wrong together."""
    response = failing.get(fault)
    there = NOW + timedelta(days=days)

    assert there == parsedate_to_datetime(response.headers["Date"])
    assert f"{there:%Y-%m-%d}" == max(entry["date"] for entry in response.json()["entries"])


def test_absurd_clock_shows_in_date_alone(failing: Failing) -> None:
    """What is answered is as ever."""
    response = failing.get("clock-far-future")

    assert LAST_DAY == response.headers["Date"]
    assert f"{NOW:%Y-%m-%d}" == max(entry["date"] for entry in response.json()["entries"])


def test_wait_may_be_a_date(failing: Failing) -> None:
    """Retry-After has two spellings."""
    seconds, date = (failing.get(fault).headers["Retry-After"] for fault in ("429-seconds", "429-date"))

    assert seconds == "60"
    assert parsedate_to_datetime(date) == NOW + timedelta(seconds=60)


def test_500_has_two_documents(failing: Failing) -> None:
    """A handler that went on after its error answered twice."""
    first, second = failing.get("500").content.splitlines()

    assert first.startswith(b'{"message":"Internal error fetching DAUs."')
    assert second == b'{"entries":[],"tz_hour_offset":0}'


def test_bad_utf8_is_inside_a_text(failing: Failing) -> None:
    """The JSON is whole but for bytes that are no UTF-8."""
    assert b'"date":"\xff\xfe' in failing.get("bad-utf8").content


def test_redirect_leads_to_another_host(failing: Failing) -> None:
    """Whoever follows it carries the token away."""
    assert failing.get("redirect").headers["Location"] == "https://login.example.com/"


def test_unknown_fault_is_refused() -> None:
    """A mistyped name is answered with all there are."""
    with pytest.raises(ValueError, match="unknown fault 'tired'; known are refused, no-response"):
        coder().fail("tired")
