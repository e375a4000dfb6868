"""Licenses: refusals without one, and entitlements."""

import json
from datetime import timedelta
from functools import partial
from typing import get_args

import pytest

from insights_exporter.demo import EmbeddedCoder
from insights_exporter.demo.auth import LicenseState
from tests.demo.client import NOW, SMALL, Json, coder, document, send_request
from tests.demo.faulty_server import FaultyServer

ORGANIZATION = f"/organizations/{SMALL.catalog.organizations[0].id}/groups"
PREMIUM = {"message": "Template RBAC is a Premium feature. Contact sales!"}
NO_ROUTE = {"message": "Route not found."}
PATHS = ("/groups", ORGANIZATION, "/entitlements")


def features(server: EmbeddedCoder) -> Json:
    """Return the features that a server lists."""
    return document(server, "/entitlements")["features"]


@pytest.mark.parametrize(
    ("license_", "server_version", "statuses"),
    [
        ("premium", "2026", (200, 200, 200)),
        ("grace-period", "2026", (200, 200, 200)),
        ("none", "2026", (403, 403, 200)),
        ("none", "2025", (403, 403, 200)),
        ("none", "2024", (404, 404, 200)),
        ("open-source", "2026", (404, 404, 404)),
        ("open-source", "2023", (404, 404, 404)),
    ],
)
def test_license_decides_what_is_served(
    license_: LicenseState, server_version: str, statuses: tuple[int, ...]
) -> None:
    """Without a license groups are refused, in an open-source build nothing of it exists."""
    server = coder(license=license_, server_version=server_version)
    responses = [send_request(server, path) for path in PATHS]

    assert statuses == tuple(response.status for response in responses)
    assert all(json.loads(each.body) == PREMIUM for each in responses if each.status == 403)
    assert all(json.loads(each.body) == NO_ROUTE for each in responses if each.status == 404)


def test_license_is_checked_before_the_token_on_one_path() -> None:
    """Without a token `/groups` still names the license, groups of an organization the token."""
    server = coder(license="none")

    assert send_request(server, "/groups", token="").status == 403
    assert send_request(server, ORGANIZATION, token="").status == 401


@pytest.mark.parametrize("role", ["owner", "member"])
def test_entitlements_need_no_token_and_no_role(role: str) -> None:
    """Anyone may read them."""
    server = coder(role=role)

    assert document(server, "/entitlements") == json.loads(
        send_request(server, "/entitlements", token="").body
    )


@pytest.mark.parametrize(
    ("license_", "entitlement", "has_license"),
    [("premium", "entitled", True), ("grace-period", "grace_period", True), ("none", "not_entitled", False)],
)
def test_entitlements_follow_the_license(license_: LicenseState, entitlement: str, has_license: bool) -> None:
    """Seats in use are counted even without a license, then without a limit."""
    body = document(coder(license=license_), "/entitlements")
    seats = body["features"]["user_limit"]
    active = SMALL.statuses(NOW.toordinal())["active"]

    assert has_license is body["has_license"]
    assert (entitlement, active) == (seats["entitlement"], seats["actual"])
    assert has_license is ("limit" in seats) is seats["enabled"]
    assert (license_ == "grace-period") is bool(body["warnings"])


def test_newer_licenses_have_agents() -> None:
    """AI seats and agents came in 2026."""
    agents = {"ai_governance_user_limit", "agent_runtime_hours"}

    assert agents <= features(coder()).keys()
    assert not agents & features(coder(server_version="2025")).keys()
    assert not agents & features(coder(license="none")).keys()


def test_agent_runtime_grows_within_its_year() -> None:
    """Hours are rounded down, and limits are ordered."""
    first, second = (
        features(coder(now=partial(NOW.__add__, later)))["agent_runtime_hours"]
        for later in (timedelta(), timedelta(days=1))
    )

    assert first["actual_ms"] < second["actual_ms"]
    assert first["actual_ms"] // 3_600_000 == first["actual"]
    assert first["soft_limit"] < first["limit"] < first["hard_limit"]
    assert first["usage_period"]["end"] == "2027-01-01T00:00:00Z"


def test_fault_removes_the_license(failing: FaultyServer) -> None:
    """`not-licensed` is an enterprise build without a license, everywhere or on one path."""
    assert failing.get("not-licensed").status_code == 200
    assert [403, 403, 200] == [failing.client.get(path).status_code for path in PATHS]
    assert failing.client.get("/entitlements").json()["has_license"] is False
    failing.get_cleared()
    failing.server.fail("not-licensed", "/groups")
    assert [403, 200, 200] == [failing.client.get(path).status_code for path in PATHS]


def test_every_state_is_tried() -> None:
    """The states of a license are those of the tests above."""
    assert {"premium", "grace-period", "none", "open-source"} == set(get_args(LicenseState))
