"""The response of `/entitlements`: what the license allows, and how much of it is used."""

from datetime import UTC, datetime, timedelta

from insights_exporter.demo.auth import ENTITLEMENTS, Document, RequestContext
from insights_exporter.demo.go_format import format_time

REFRESH_SECONDS = 600
SEATS_STEP = 10
AGENT_HOURS_OF_A_USER = 250
AGENT_MS_OF_AN_HOUR = 90_000
"""Agent runtime of one user in an hour of the year, on average."""
SWITCHES = (
    "access_control",
    "advanced_template_scheduling",
    "appearance",
    "audit_log",
    "browser_only",
    "control_shared_ports",
    "custom_roles",
    "external_provisioner_daemons",
    "external_token_encryption",
    "high_availability",
    "multiple_external_auth",
    "multiple_organizations",
    "scim",
    "template_rbac",
    "user_role_management",
    "workspace_batch_actions",
    "workspace_external_agent",
    "workspace_prebuilds",
    "workspace_proxy",
)
"""Features without limits."""
NEVER_BOUGHT = frozenset({"browser_only", "scim"})


def build_entitlements(context: RequestContext) -> Document:
    """Return the response of `/entitlements`."""
    licensed = context.license in ENTITLEMENTS
    refreshed = int(context.now.timestamp()) // REFRESH_SECONDS * REFRESH_SECONDS
    features = {name: _switch(context, licensed=licensed and name not in NEVER_BOUGHT) for name in SWITCHES}
    expired = "Audit Logging is enabled but your license for this feature is expired."
    return {
        "features": dict(sorted((features | _measured(context, licensed=licensed)).items())),
        "warnings": [expired] if context.license == "grace-period" else [],
        "errors": [],
        "has_license": licensed,
        "trial": False,
        "require_telemetry": False,
        "refreshed_at": format_time(datetime.fromtimestamp(refreshed, UTC)),
    }


def _switch(context: RequestContext, *, licensed: bool) -> Document:
    return {
        "entitlement": ENTITLEMENTS[context.license] if licensed else "not_entitled",
        "enabled": licensed,
    }


def _measured(context: RequestContext, *, licensed: bool) -> Document:
    active = context.population.statuses(context.now.astimezone(UTC).toordinal()).get("active", 0)
    state = _switch(context, licensed=licensed)
    if not licensed:
        return {"user_limit": {**state, "actual": active}, "managed_agent_limit": state}
    users = len(context.population.users)
    seats = (users + users // 4) // SEATS_STEP * SEATS_STEP + SEATS_STEP
    features = {"user_limit": {**state, "limit": seats, "actual": active}}
    if context.server_version.agent_features:
        features["managed_agent_limit"] = {
            **state,
            "limit": 1000,
            "actual": 0,
            "usage_period": _term(context, 100),
        }
        features["ai_governance_user_limit"] = {**state, "limit": users // 2 + 1, "actual": active * 2 // 5}
        features["agent_runtime_hours"] = {**state, **_agent_runtime(context, users)}
    return features


def _agent_runtime(context: RequestContext, users: int) -> Document:
    hours = (context.now - _year(context)) // timedelta(hours=1)
    runtime_ms = hours * users * AGENT_MS_OF_AN_HOUR
    limit = users * AGENT_HOURS_OF_A_USER
    return {
        "limit": limit,
        "soft_limit": limit * 9 // 10,
        "hard_limit": limit * 6 // 5,
        "actual": runtime_ms // 3_600_000,
        "actual_ms": runtime_ms,
        "usage_period": _term(context, 1),
    }


def _year(context: RequestContext) -> datetime:
    return datetime(context.now.astimezone(UTC).year, 1, 1, tzinfo=UTC)


def _term(context: RequestContext, years: int) -> Document:
    start = _year(context)
    begun = format_time(start)
    return {"issued_at": begun, "start": begun, "end": format_time(start.replace(year=start.year + years))}
