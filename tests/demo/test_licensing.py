"""Licenses: refusals without one, and entitlements."""

import json
from datetime import timedelta
from functools import partial

import pytest

from insights_exporter.demo import EmbeddedCoder
from tests.demo.client import NOW, SMALL, Json, coder, load_document, send_request

ORGANIZATION = f"/organizations/{SMALL.catalog.organizations[0].id}/groups"
PREMIUM = {"message": "Template RBAC is a Premium feature. Contact sales!"}
NO_ROUTE = {"message": "Route not found."}


def create_unlicensed(server_version: str = "2026") -> EmbeddedCoder:
    """Return a server without a license."""
    server = coder(server_version=server_version)
    server.fail("not-licensed")
    return server


def features(server: EmbeddedCoder) -> Json:
    """Return the features that a server lists."""
    return load_document(server, "/entitlements")["features"]


@pytest.mark.parametrize(
    ("server_version", "expected"),
    [("2026", (403, PREMIUM)), ("2025", (403, PREMIUM)), ("2024", (404, NO_ROUTE))],
)
@pytest.mark.parametrize("path", ["/groups", ORGANIZATION])
def test_groups_need_a_license(path: str, server_version: str, expected: tuple[int, Json]) -> None:
    """Without a license groups are refused, on older servers as an unknown path."""
    response = send_request(create_unlicensed(server_version), path)

    assert expected == (response.status_code, json.loads(bytes(response.body)))


def test_license_is_checked_before_the_token_on_one_path() -> None:
    """Without a token `/groups` still names the license, groups of an organization the token."""
    assert send_request(create_unlicensed(), "/groups", token="").status_code == 403
    assert send_request(create_unlicensed(), ORGANIZATION, token="").status_code == 401


def test_one_path_may_be_unlicensed() -> None:
    """The fault may be limited to a path."""
    server = coder()
    server.fail("not-licensed", "/groups")

    assert [403, 200] == [send_request(server, path).status_code for path in ("/groups", ORGANIZATION)]


@pytest.mark.parametrize("role", ["owner", "member"])
def test_entitlements_need_no_token_and_no_role(role: str) -> None:
    """Anyone may read them."""
    server = coder(role=role)

    assert load_document(server, "/entitlements") == json.loads(
        bytes(send_request(server, "/entitlements", token="").body)
    )


@pytest.mark.parametrize(
    ("server", "entitlement", "licensed"),
    [(coder(), "entitled", True), (create_unlicensed(), "not_entitled", False)],
    ids=["licensed", "unlicensed"],
)
def test_entitlements_follow_the_license(server: EmbeddedCoder, entitlement: str, licensed: bool) -> None:
    """Seats in use are counted even without a license, then without a limit."""
    seats = features(server)["user_limit"]

    assert licensed is load_document(server, "/entitlements")["has_license"]
    assert (entitlement, SMALL.count_statuses(NOW.toordinal())["active"]) == (
        seats["entitlement"],
        seats["actual"],
    )
    assert licensed is ("limit" in seats) is seats["enabled"]


def test_newer_licenses_have_agents() -> None:
    """AI seats and agents came in 2026."""
    agents = {"ai_governance_user_limit", "agent_runtime_hours"}

    assert agents <= features(coder()).keys()
    assert not agents & features(coder(server_version="2025")).keys()
    assert not agents & features(create_unlicensed()).keys()


def test_agent_runtime_grows_within_its_year() -> None:
    """Hours are rounded down, and limits are ordered."""
    first, second = (
        features(coder(now=partial(NOW.__add__, later)))["agent_runtime_hours"]
        for later in (timedelta(), timedelta(days=1))
    )

    assert first["actual_ms"] < second["actual_ms"]
    assert first["actual_ms"] // 3_600_000 == first["actual"]
    assert first["soft_limit"] < first["limit"] < first["hard_limit"]
