"""The response about the license: `/entitlements`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from insights_exporter.demo.context import Document, RequestContext
from insights_exporter.demo.go_format import format_time

FEATURES: Mapping[int, str] = {
    2023: "advanced_template_scheduling appearance audit_log browser_only external_provisioner_daemons "
    "high_availability scim template_rbac user_limit user_role_management workspace_proxy",
    2024: "access_control control_shared_ports external_token_encryption multiple_external_auth "
    "workspace_batch_actions",
    2025: "custom_roles multiple_organizations workspace_prebuilds",
    2026: "agent_runtime_hours ai_governance_user_limit aibridge boundary managed_agent_limit "
    "workspace_external_agent",
}
"""The features that a server lists, by the year in which they came; most of them are plain switches."""
REFRESH = timedelta(minutes=10)
SEATS_STEP = 10
INCLUDED_AGENTS = 1000
"""Agents in a license that does not name a number."""
AGENT_HOURS_OF_A_USER = 250
AGENT_MS_OF_AN_HOUR = 90_000
"""Agent runtime of one user in an hour of the year, on average."""


def build_entitlements(context: RequestContext) -> Document:
    """Return the response of `/entitlements`."""
    known = [names for year, names in FEATURES.items() if year <= context.server_version.year]
    names = sorted(" ".join(known).split())
    numbers = _measure_features(context)
    document: Document = {
        "features": {name: _describe_entitlement(context, name) | numbers.get(name, {}) for name in names},
        "warnings": [],
        "errors": [],
        "has_license": context.is_licensed,
        "trial": False,
        "require_telemetry": False,
    }
    if context.license == "grace_period":
        document["warnings"] = [
            f"{name.replace('_', ' ').title()} is enabled but your license for this feature is expired."
            for name in names
        ]
    if context.server_version.year >= 2024:
        seconds = int(context.now.timestamp())
        refreshed = seconds - seconds % int(REFRESH.total_seconds())
        document["refreshed_at"] = format_time(datetime.fromtimestamp(refreshed, UTC))
    return document


def _describe_entitlement(context: RequestContext, feature: str) -> Document:
    is_entitled = context.is_entitled(feature)
    return {"entitlement": context.license if is_entitled else "not_entitled", "enabled": is_entitled}


def _measure_features(context: RequestContext) -> Mapping[str, Document]:
    """Return limit and usage of the features that have them; without a license, users only."""
    now = context.now.astimezone(UTC)
    active = context.population.count_statuses(now.toordinal()).get("active", 0)
    users = len(context.population.users)
    seats = (users + users // 4) // SEATS_STEP * SEATS_STEP + SEATS_STEP
    numbers: Mapping[str, Document] = {
        "user_limit": {"limit": seats, "actual": active},
        "ai_governance_user_limit": {"limit": users // 2 + 1, "actual": active * 2 // 5},
        "managed_agent_limit": {
            "limit": INCLUDED_AGENTS,
            "actual": active // 4,
            "usage_period": _build_period(datetime(2026, 1, 1, tzinfo=UTC), years=100),
        },
        "agent_runtime_hours": _measure_agent_runtime(now, users),
    }
    licensed = {name: measured for name, measured in numbers.items() if context.is_entitled(name)}
    return {"user_limit": {"actual": active}, **licensed}


def _measure_agent_runtime(now: datetime, users: int) -> Document:
    start = datetime(now.year, 1, 1, tzinfo=UTC)
    runtime_ms = (now - start) // timedelta(hours=1) * users * AGENT_MS_OF_AN_HOUR
    limit = users * AGENT_HOURS_OF_A_USER
    return {
        "limit": limit,
        "soft_limit": limit * 9 // 10,
        "hard_limit": limit * 6 // 5,
        "actual": runtime_ms // 3_600_000,
        "actual_ms": runtime_ms,
        "usage_period": _build_period(start, years=1),
    }


def _build_period(start: datetime, years: int) -> Document:
    text = format_time(start)
    return {"issued_at": text, "start": text, "end": format_time(start.replace(year=start.year + years))}
