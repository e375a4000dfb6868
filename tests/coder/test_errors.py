"""What each error status of Coder means."""

from collections.abc import Mapping

import pytest

from insights_exporter.coder.errors import (
    CAUSES,
    REASONS,
    UNAVAILABLE,
    ApiError,
    Cause,
    MissingRoute,
    build_error,
)
from insights_exporter.coder.redact import ErrorRedactor

SIGNED_OUT = b'{"message":"You are signed out or your session has expired.","detail":"API key is invalid."}'
NO_ACCESS = b'{"message":"Resource not found or you do not have access to this resource"}'
DISABLED = b'{"message":"Not Found.","detail":"Template insights are disabled."}'
NO_ROUTE = b'{"message":"Route not found."}'
TWO_DOCUMENTS = b'{"message":"Internal error fetching DAUs."}{"entries":[],"tz_hour_offset":0}'
SECRET = ErrorRedactor("named", ("SECRETsecretSECRET",))
MISSING_ROUTES: Mapping[str, MissingRoute] = {"/insights/daus": "not_found", "/groups": "not_licensed"}
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
        pytest.param(404, "/insights/daus", HTML, "not_found", id="404 of another service"),
        pytest.param(404, "/insights/user-status-counts", NO_ROUTE, "unsupported", id="404 on a newer path"),
        pytest.param(404, "/groups", NO_ROUTE, "not_licensed", id="404 on a path of licensed servers"),
        pytest.param(408, "/insights/daus", b"", "timeout", id="request timeout"),
        pytest.param(422, "/insights/daus", HTML, "rejected", id="invalid parameters at a gateway"),
        pytest.param(405, "/insights/daus", HTML, "refused_by_proxy", id="method not allowed"),
        pytest.param(407, "/insights/daus", HTML, "refused_by_proxy", id="proxy login"),
        pytest.param(413, "/insights/daus", HTML, "refused_by_proxy", id="too large for a proxy"),
        pytest.param(421, "/insights/daus", HTML, "refused_by_proxy", id="misdirected"),
        pytest.param(431, "/insights/daus", HTML, "refused_by_proxy", id="headers too large"),
        pytest.param(451, "/insights/daus", HTML, "refused_by_proxy", id="blocked"),
        pytest.param(428, "/insights/daus", b"text", "refused_by_proxy", id="a 4xx that Coder does not send"),
        pytest.param(429, "/insights/daus", b"{}", "rate_limited", id="rate limit"),
        pytest.param(302, "/insights/daus", b"", "redirect", id="redirect"),
        pytest.param(204, "/insights/daus", b"", "invalid", id="nothing"),
        pytest.param(500, "/insights/daus", TWO_DOCUMENTS, "server_error", id="two JSON documents"),
        pytest.param(503, "/insights/daus", b"\xff", "server_error", id="no text"),
        pytest.param(502, "/insights/daus", b'{"x":' + b"[" * 60_000, "server_error", id="nested too deeply"),
    ],
)
def test_reason_of_a_refusal(status: int, path: str, body: bytes, expected: str) -> None:
    """The reason of a failure follows from the status, the path and the message."""
    missing_route = MISSING_ROUTES.get(path, "unsupported")
    error = build_error(status, path, body, missing_route=missing_route)

    assert expected == error.reason


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(NO_ROUTE, "not_licensed", id="Coder's own"),
        pytest.param(HTML, "not_found", id="a page of a proxy"),
        pytest.param(b"404 page not found", "not_found", id="text of a proxy"),
        pytest.param(b'{"detail":"Not Found"}', "not_found", id="another JSON"),
    ],
)
def test_path_that_worked_before_is_missing_only_if_coder_reports_it(body: bytes, expected: str) -> None:
    """A proxy that responds 404 while Coder restarts does not make a dataset unavailable."""
    error = build_error(404, "/groups", body, missing_route="not_licensed", read_before=True)

    assert expected == error.reason


@pytest.mark.parametrize(
    ("status", "expected"), [(408, True), (429, True), (502, True), (504, True), (500, False), (400, False)]
)
def test_transient_refusals(status: int, *, expected: bool) -> None:
    """Only a transient failure is retried."""
    assert expected is build_error(status, "/insights/daus", b"").transient


OLD_COOKIE = 'Cookie \\"session_token\\" or query parameter must be provided.'
SUSPENDED = b'{"message":"User is not active (status = \\"suspended\\"). Contact an admin."}'


def get_detail(text: str) -> bytes:
    """Return the body of a 401 with this detail."""
    return b'{"message":"You are signed out or your session has expired.","detail":"%b"}' % text.encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(401, get_detail(OLD_COOKIE), "token_missing", id="no token arrived"),
        pytest.param(
            401,
            get_detail("Invalid API key format: incorrect amount of API key parts, expected 2 got 3"),
            "token_malformed",
            id="not ID-SECRET",
        ),
        pytest.param(
            401,
            get_detail("Invalid API key format: invalid API key ID length, expected 10 got 11"),
            "token_malformed",
            id="quoted",
        ),
        pytest.param(
            401, get_detail("API key is invalid."), "token_unknown", id="unknown key or deleted user"
        ),
        pytest.param(401, get_detail("API key secret is invalid."), "token_mistyped", id="wrong secret"),
        pytest.param(401, get_detail('API key expired at \\"2026-05-01\\".'), "token_expired", id="expired"),
        pytest.param(401, SUSPENDED, "user_suspended", id="suspended user"),
        pytest.param(
            401,
            SUSPENDED.replace(b"suspended", b"dormant"),
            "user_suspended",
            id="dormant user of an old server",
        ),
        pytest.param(
            401, b'{"message":"Could not refresh expired Oauth token."}', "login_expired", id="browser login"
        ),
        pytest.param(
            401,
            b'{"message":"An internal error occurred. Please try again.","detail":"roles"}',
            "server_error",
            id="database trouble",
        ),
        pytest.param(401, HTML, "unauthorized", id="401 of another service"),
        pytest.param(403, b'{"message":"Forbidden.","detail":"Sorry."}', "forbidden", id="role"),
        pytest.param(
            403,
            b'{"message":"Template RBAC is a Premium feature. Contact sales!"}',
            "not_licensed",
            id="licence",
        ),
        pytest.param(403, HTML, "forbidden_by_proxy", id="403 of another service"),
    ],
)
def test_cause_of_a_refusal(status: int, body: bytes, expected: str) -> None:
    """Each kind of 401 and 403 is a separate cause."""
    assert expected == build_error(status, "/groups", body).cause


def test_every_reason_has_a_remedy() -> None:
    """Every reason is a cause, and each cause has a remedy."""
    assert set(REASONS) == {each.reason for each in CAUSES.values()} <= set(CAUSES)
    assert all(cause == CAUSES[cause].reason for cause in REASONS)
    assert all(each.remedy and each.when for each in CAUSES.values())
    assert CAUSES["token_expired"].remedy == ApiError("token_expired", "").remedy


@pytest.mark.parametrize("cause", [cause for cause, each in CAUSES.items() if each.reason == "unauthorized"])
def test_new_token_is_advised_only_if_it_helps(cause: Cause) -> None:
    """A new token is the remedy for an unknown or expired one, and for nothing else."""
    helps = {"token_unknown", "token_expired", "login_expired"}

    assert (cause in helps) is ("coder tokens create" in CAUSES[cause].remedy)


def test_no_role_helps_without_a_license() -> None:
    """No role is advised if a license is missing."""
    assert "Auditor" not in CAUSES["not_licensed"].remedy
    assert "not_licensed" in UNAVAILABLE


def test_detail_is_one_short_line() -> None:
    """However long and broken the server's message is, the detail is one line of bounded length."""
    body = b'{"message":"' + b"word \\n " * 10_000 + b'"}'

    detail = build_error(400, "/insights/daus", body).detail

    assert len(detail) <= 300
    assert "\n" not in detail


def test_detail_of_a_server_error_has_no_data() -> None:
    """The text of a 500 may hold data about users, so it is not repeated."""
    body = b'{"message":"Cannot get alice.","detail":"duplicate key (alice@example.com)"}'

    assert "HTTP 500 for /insights/daus" == build_error(500, "/insights/daus", body).detail


def test_echoed_secrets_are_masked() -> None:
    """A server that echoes the token does not bring it into a log."""
    failure = ApiError("rejected", "bad key abc-def", transient=True, retry_after=3.0)

    masked = failure.redact(["abc-def", ""])

    assert "bad key ***" == masked.detail
    assert (True, 3.0) == (masked.transient, masked.retry_after)


@pytest.mark.parametrize("before", range(240, 300))
def test_truncated_message_contains_no_part_of_a_secret(before: int) -> None:
    """If a long message is cut within a secret, no part of the secret remains."""
    body = b'{"message":"%b%b"}' % (b"." * before, b"SECRETsecretSECRET")

    assert "S" not in build_error(400, "/x", body, redactor=SECRET).detail.removeprefix("HTTP")


@pytest.mark.parametrize(
    ("validations", "shown"),
    [
        pytest.param('[{"field":"end_time","detail":"must be set"}]', " end_time: must be set", id="one"),
        pytest.param("[]", "", id="none"),
        pytest.param("null", "", id="null"),
        pytest.param('{"field":7}', "", id="another shape"),
    ],
)
def test_rejected_parameters_are_named(validations: str, shown: str) -> None:
    """The error names the rejected parameters if Coder does."""
    body = f'{{"message":"Query parameter has invalid value.","validations":{validations}}}'.encode()

    error = build_error(400, "/insights/daus", body)

    assert ("rejected", f"HTTP 400 for /insights/daus: Query parameter has invalid value.{shown}") == (
        error.reason,
        error.detail,
    )


def test_rejected_parameters_are_hidden_in_stricter_modes() -> None:
    """Coder's text about a parameter may contain a user name, so only the mode `named` shows it."""
    body = b'{"message":"Query parameter has invalid value.","validations":[{"field":"q","detail":"alice"}]}'

    error = build_error(400, "/insights/daus", body, ErrorRedactor("aggregate"))

    assert "alice" not in error.detail
