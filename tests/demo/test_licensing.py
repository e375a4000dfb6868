"""Licenses: refusals without one, and entitlements."""

import json
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from insights_exporter.demo import EmbeddedCoder
from tests.demo.client import NOW, SMALL, Json, coder, load_document, send_request

ORGANIZATION = f"/organizations/{SMALL.catalog.organizations[0].id}/groups"
PREMIUM = {"message": "Template RBAC is a Premium feature. Contact sales!"}
NO_ROUTE = {"message": "Route not found."}


def create_server(fault: str, server_version: str = "2026") -> EmbeddedCoder:
    """Return a server with a fault of its license, empty for none."""
    server = coder(server_version=server_version)
    if fault:
        server.fail(fault)
    return server


create_unlicensed = partial(create_server, "not-licensed")


def features(server: EmbeddedCoder) -> Json:
    """Return the features that a server lists."""
    return load_document(server, "/entitlements")["features"]


@pytest.mark.parametrize(
    ("server_version", "expected"),
    [("2026", (403, PREMIUM)), ("2025", (403, PREMIUM)), ("2024", (404, NO_ROUTE))],
)
@pytest.mark.parametrize("path", ["/groups", ORGANIZATION])
@pytest.mark.parametrize("fault", ["not-licensed", "groups-not-licensed"])
def test_groups_need_a_license(
    fault: str, path: str, server_version: str, expected: tuple[int, Json]
) -> None:
    """Without a license for them groups are refused, on older servers as an unknown path."""
    response = send_request(create_server(fault, server_version), path)

    assert expected == (response.status_code, json.loads(bytes(response.body)))


@pytest.mark.parametrize("fault", ["", "seats-not-licensed", "grace-period"])
def test_licenses_with_groups(fault: str) -> None:
    """A license without seats, or in its grace period, still has groups."""
    assert 200 == send_request(create_server(fault), "/groups").status_code


@pytest.mark.parametrize(
    ("fault", "lacking"),
    [
        ("groups-not-licensed", {"template_rbac"}),
        ("seats-not-licensed", {"user_limit", "ai_governance_user_limit", "agent_runtime_hours"}),
    ],
)
def test_license_without_some_features(fault: str, lacking: set[str]) -> None:
    """Features that the license lacks are not entitled and have no limit; users are counted nevertheless."""
    document = load_document(create_server(fault), "/entitlements")
    found = document["features"]

    assert document["has_license"]
    assert lacking == {name for name, each in found.items() if each["entitlement"] == "not_entitled"}
    assert lacking == {name for name, each in found.items() if not each["enabled"]}
    assert lacking.isdisjoint({name for name, each in found.items() if "limit" in each})
    assert SMALL.count_statuses(NOW.toordinal())["active"] == found["user_limit"]["actual"]


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
    [
        (coder(), "entitled", True),
        (create_server("grace-period"), "grace_period", True),
        (create_server("not-licensed"), "not_entitled", False),
    ],
    ids=["licensed", "grace period", "unlicensed"],
)
def test_entitlements_follow_the_license(server: EmbeddedCoder, entitlement: str, licensed: bool) -> None:
    """All features have the state of the license; without one only seats in use are counted."""
    document = load_document(server, "/entitlements")
    found = document["features"]

    assert licensed is document["has_license"]
    assert {(entitlement, licensed)} == {(each["entitlement"], each["enabled"]) for each in found.values()}
    assert SMALL.count_statuses(NOW.toordinal())["active"] == found["user_limit"]["actual"]
    assert {"user_limit"} == {name for name, each in found.items() if "actual" in each} or licensed
    assert licensed is any("limit" in each for each in found.values())


def test_entitlements_have_all_fields() -> None:
    """The response has the fields of Coder's schema, and its age in steps of ten minutes."""
    document = load_document(coder(), "/entitlements")
    listed = document.pop("features")

    assert {
        "warnings": [],
        "errors": [],
        "has_license": True,
        "trial": False,
        "require_telemetry": False,
        "refreshed_at": "2026-05-20T14:30:00Z",
    } == document
    assert {"issued_at", "start", "end"} == listed["agent_runtime_hours"]["usage_period"].keys()
    assert {"entitlement": "entitled", "enabled": True} == listed["audit_log"]


def test_grace_period_warns_and_keeps_premium_features() -> None:
    """In the grace period the server warns about each feature, and groups work."""
    server = create_server("grace-period")
    warnings = load_document(server, "/entitlements")["warnings"]

    assert "Audit Log is enabled but your license for this feature is expired." in warnings
    assert 200 == send_request(server, "/groups").status_code


@pytest.mark.parametrize("fault", ["", "not-licensed"])
def test_newer_servers_have_more_features(fault: str) -> None:
    """Each version lists all features that it knows, also without a license."""
    names = [features(create_server(fault, version)).keys() for version in ("2023", "2024", "2025", "2026")]

    assert all(older < newer for older, newer in pairwise(names))
    assert {"ai_governance_user_limit", "agent_runtime_hours", "managed_agent_limit"} <= names[3] - names[2]
    assert "refreshed_at" not in load_document(create_server(fault, "2023"), "/entitlements")


def test_agent_runtime_grows_within_its_year() -> None:
    """Hours are rounded down, and limits are ordered."""
    first, second = (
        features(coder(now=partial(NOW.__add__, later)))["agent_runtime_hours"]
        for later in (timedelta(), timedelta(days=1))
    )

    assert first["actual_ms"] < second["actual_ms"]
    assert first["actual_ms"] // 3_600_000 == first["actual"]
    assert first["soft_limit"] < first["limit"] < first["hard_limit"]
