"""What each refusal of Coder means."""

import pytest

from insights_exporter.coder.discretion import Discretion
from insights_exporter.coder.failures import REASONS, REMEDIES, RequestFailed, refusal

SIGNED_OUT = b'{"message":"You are signed out or your session has expired.","detail":"API key is invalid."}'
NO_ACCESS = b'{"message":"Resource not found or you do not have access to this resource"}'
DISABLED = b'{"message":"Not Found.","detail":"Template insights are disabled."}'
NO_ROUTE = b'{"message":"Route not found."}'
TWO_DOCUMENTS = b'{"message":"Internal error fetching DAUs."}{"entries":[],"tz_hour_offset":0}'
SECRET = Discretion("named", ("SECRETsecretSECRET",))
HTML = b"<html><body>Sign in</body></html>"


@pytest.mark.parametrize(
    ("status", "path", "body", "expected"),
    [
        pytest.param(400, "/insights/templates", b"{}", "rejected", id="bad parameters"),
        pytest.param(401, "/insights/daus", SIGNED_OUT, "unauthorized", id="signed out"),
        pytest.param(403, "/insights/daus", b'{"message":"Forbidden."}', "forbidden", id="forbidden"),
        pytest.param(404, "/insights/daus", NO_ACCESS, "not_permitted", id="404 without permission"),
        pytest.param(404, "/insights/daus", DISABLED, "disabled", id="404 of statistics switched off"),
        pytest.param(404, "/insights/daus", NO_ROUTE, "not_found", id="404 on a path every Coder has"),
        pytest.param(404, "/insights/daus", HTML, "not_found", id="404 of somebody else"),
        pytest.param(404, "/insights/user-status-counts", NO_ROUTE, "unsupported", id="404 on a newer path"),
        pytest.param(408, "/insights/daus", b"", "timeout", id="request timeout"),
        pytest.param(422, "/insights/daus", HTML, "rejected", id="a gateway's bad parameters"),
        pytest.param(428, "/insights/daus", b"text", "rejected", id="precondition required"),
        pytest.param(429, "/insights/daus", b"{}", "rate_limited", id="rate limit"),
        pytest.param(302, "/insights/daus", b"", "redirect", id="redirect"),
        pytest.param(204, "/insights/daus", b"", "invalid", id="nothing"),
        pytest.param(500, "/insights/daus", TWO_DOCUMENTS, "server_error", id="two JSON documents"),
        pytest.param(503, "/insights/daus", b"\xff", "server_error", id="no text"),
    ],
)
def test_reason_of_a_refusal(status: int, path: str, body: bytes, expected: str) -> None:
    """A status, with its path and message, gives the reason of the failure."""
    assert expected == refusal(status, path, body).reason


@pytest.mark.parametrize(
    ("status", "expected"), [(408, True), (429, True), (502, True), (504, True), (500, False), (400, False)]
)
def test_transient_refusals(status: int, *, expected: bool) -> None:
    """Only what may pass by itself is worth another try."""
    assert expected is refusal(status, "/insights/daus", b"").transient


def test_every_reason_has_a_remedy() -> None:
    """Each reason comes with what a person can do about it."""
    assert set(REASONS) == set(REMEDIES)
    assert RequestFailed("timeout", "").remedy == REMEDIES["timeout"]


def test_detail_is_one_short_line() -> None:
    """However long and broken the server's message is, the detail is one line of bounded length."""
    body = b'{"message":"' + b"word \\n " * 10_000 + b'"}'

    detail = refusal(400, "/insights/daus", body).detail

    assert len(detail) <= 300
    assert "\n" not in detail


def test_detail_of_a_server_error_has_no_data() -> None:
    """What the database says behind a 500 may speak of people, so it is not repeated."""
    body = b'{"message":"Cannot get alice.","detail":"duplicate key (alice@example.com)"}'

    assert refusal(500, "/insights/daus", body).detail == "HTTP 500 for /insights/daus"


def test_echoed_secrets_are_masked() -> None:
    """A server that echoes the token does not bring it into a log."""
    failure = RequestFailed("rejected", "bad key abc-def", transient=True, retry_after=3.0)

    masked = failure.without(["abc-def", ""])

    assert masked.detail == "bad key ***"
    assert (masked.transient, masked.retry_after) == (True, 3.0)


@pytest.mark.parametrize("before", range(240, 300))
def test_no_piece_of_a_secret_is_left_by_cutting(before: int) -> None:
    """A secret that stands where a long message is cut leaves no piece of itself."""
    body = b'{"message":"%b%b"}' % (b"." * before, b"SECRETsecretSECRET")

    assert "S" not in refusal(400, "/x", body, discretion=SECRET).detail.removeprefix("HTTP")
