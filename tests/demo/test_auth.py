"""Tokens, roles, usage statistics and the rate limit."""

import json
from datetime import timedelta

import pytest

from insights_exporter.demo import DEMO_TOKEN
from tests.demo.client import FOUR, NOW, SMALL, WEEK, build_query, coder, load_document, send_request

SIGNED_OUT = "You are signed out or your session has expired. Please sign in again to continue."
NO_RESOURCE = {"message": "Resource not found or you do not have access to this resource"}
DISABLED = {"message": "Not Found.", "detail": "Template insights are disabled."}
EVERYTHING = (*FOUR, "user-status-counts")
STATUSES = {
    "owner": (200, 200, 200, 200, 200),
    "auditor": (200, 200, 200, 200, 200),
    "template-admin": (403, 200, 200, 200, 200),
    "user-admin": (403, 404, 404, 404, 200),
    "member": (403, 404, 404, 404, 403),
    "organization-template-admin": (403, 404, 404, 404, 403),
}


@pytest.mark.parametrize(
    ("token", "detail"),
    [
        ("", 'Cookie "coder_session_token" or query parameter must be provided.'),
        ("x" * 10 + "-" + "x" * 22, "API key is invalid."),
        (DEMO_TOKEN[:-1] + "x", "API key secret is invalid."),
    ],
    ids=["none", "unknown", "wrong-secret"],
)
def test_bad_token_is_refused(token: str, detail: str) -> None:
    """A 401 contains the error of the token."""
    response = send_request(coder(), "/insights/daus", token=token)

    assert response.status_code == 401
    assert {"message": SIGNED_OUT, "detail": detail} == json.loads(bytes(response.body))
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="coder", error="invalid_token"')


def test_expired_token_is_refused() -> None:
    """A token expires at its second."""
    server = coder(token_expires=NOW)
    expired = 'API key expired at "2026-05-20T14:31:00Z".'

    assert expired == json.loads(bytes(send_request(server, "/users/me").body))["detail"]
    server.token_expires = NOW + timedelta(seconds=1)
    assert send_request(server, "/users/me").status_code == 200


def test_version_needs_no_token() -> None:
    """The version needs no token."""
    assert send_request(coder(), "/buildinfo", token="").status_code == 200


@pytest.mark.parametrize("role", STATUSES)
def test_role_decides_what_is_read(role: str) -> None:
    """Auditors and owners can read everything, others less, some with 404."""
    server = coder(role=role)
    responses = [
        send_request(server, f"/insights/{endpoint}", build_query(endpoint)) for endpoint in EVERYTHING
    ]

    assert STATUSES[role] == tuple(response.status_code for response in responses)
    assert all(
        bytes(response.body).startswith(b'{"message":"Forbidden.')
        for response in responses
        if response.status_code == 403
    )
    assert all(
        NO_RESOURCE == json.loads(bytes(response.body))
        for response in responses
        if response.status_code == 404
    )


def test_organization_role_sees_its_own_templates_when_named() -> None:
    """One template of another organization refuses the whole request."""
    server = coder(role="organization-template-admin")
    own, foreign = (
        next(each.id for each in SMALL.catalog.templates if each.organization.name == name)
        for name in ("coder", "research")
    )

    assert send_request(server, "/insights/templates", WEEK | {"template_ids": own}).status_code == 200
    both = send_request(server, "/insights/templates", WEEK | {"template_ids": f"{own},{foreign}"})
    assert both.status_code == 404


def test_bad_parameters_are_refused_before_a_role() -> None:
    """An invalid query is refused before the role is checked."""
    server = coder(role="member")

    assert send_request(server, "/insights/templates").status_code == 400
    assert send_request(server, "/insights/user-status-counts", {"tz_offset": "x"}).status_code == 400


@pytest.mark.parametrize("endpoint", FOUR)
def test_disabled_statistics_are_reported_first(endpoint: str) -> None:
    """Disabled statistics are reported before parameters and roles, on the four old endpoints."""
    response = send_request(coder(usage_stats=False, role="member"), f"/insights/{endpoint}")

    assert response.status_code == 404
    assert DISABLED == json.loads(bytes(response.body))


def test_disabled_statistics_keep_status_counts() -> None:
    """user-status-counts is independent of usage statistics."""
    assert send_request(coder(usage_stats=False), "/insights/user-status-counts").status_code == 200


@pytest.mark.parametrize("path", ["/nope", "/insights/daus/", "/organizations/x/y", "/users/me/keys"])
def test_unknown_route(path: str) -> None:
    """An unknown route is 404."""
    assert json.loads(bytes(send_request(coder(), path).body)) == {"message": "Route not found."}


def test_unknown_things_of_known_routes() -> None:
    """Unknown keys and organizations are missing resources."""
    for path in ("/users/me/keys/other", "/organizations/other/templates"):
        assert NO_RESOURCE == json.loads(bytes(send_request(coder(), path).body))


def test_other_methods_are_refused() -> None:
    """Other methods are refused."""
    assert coder().respond("POST", "/api/v2/buildinfo").status_code == 405


def test_rate_limit_counts_endpoints_apart() -> None:
    """Requests are limited per minute and endpoint, with headers, then 429 with Retry-After."""
    server = coder(rate_limit=2)
    first, second, third = (send_request(server, "/buildinfo") for _ in range(3))

    assert [200, 200, 429] == [response.status_code for response in (first, second, third)]
    assert ["1", "0", "0"] == [each.headers["X-RateLimit-Remaining"] for each in (first, second, third)]
    assert first.headers["X-RateLimit-Limit"] == "2"
    assert str(int(NOW.timestamp()) + 60) == first.headers["X-RateLimit-Reset"]
    assert third.headers["Retry-After"] == "60"
    assert b"more than 2 requests in 1m0s." in third.body
    assert send_request(server, "/users/me").status_code == 200


def test_rate_limit_ends_with_its_minute() -> None:
    """The rate limit is reset with the next minute."""
    moments = iter((NOW, NOW, NOW + timedelta(minutes=1)))
    server = coder(rate_limit=1, now=lambda: next(moments))

    assert [200, 429, 200] == [send_request(server, "/buildinfo").status_code for _ in range(3)]


def test_negative_rate_limit_is_none() -> None:
    """Without a rate limit, there are no rate-limit headers."""
    assert "X-RateLimit-Limit" not in send_request(coder(rate_limit=-1), "/buildinfo").headers


def test_requests_are_logged() -> None:
    """Requests are logged, refused ones too."""
    server = coder()
    send_request(server, "/insights/user-activity", WEEK)
    send_request(server, "/insights/daus", {"x": "1"})

    expected = [("/api/v2/insights/user-activity", 200), ("/api/v2/insights/daus", 400)]
    assert expected == [(seen.path, seen.status) for seen in server.requests]
    assert server.requests[1].query == "x=1"


def test_key_expiry() -> None:
    """The response contains the caller's key with its lifetime in seconds."""
    key = load_document(coder(token_expires=NOW + timedelta(days=3)), f"/users/me/keys/{DEMO_TOKEN[:10]}")

    assert ("2026-05-23T14:31:00Z", 2592000) == (key["expires_at"], key["lifetime_seconds"])
