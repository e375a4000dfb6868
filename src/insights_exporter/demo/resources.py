"""The responses about the server: templates, organizations, groups, users, keys, version."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta

from insights_exporter.demo.context import Document, RequestContext
from insights_exporter.demo.error_responses import NO_RESOURCE, Refused
from insights_exporter.demo.go_format import format_time
from insights_exporter.demo.population.templates import Organization, SampleTemplate, mix
from insights_exporter.demo.population.timeline import FOUNDED
from insights_exporter.demo.population.users import EVERYONE, User, UserGroup, find_status
from insights_exporter.demo.validation import validate_query

TOKEN_LIFETIME = timedelta(days=30)
CALLER_ID = "00000000-0000-4000-8000-00000000c0de"
CREATED_AT = f"{date.fromordinal(FOUNDED)}T00:00:00Z"


def get_buildinfo(context: RequestContext) -> Document:
    """Return the response of `/buildinfo`."""
    release = context.server_version.release
    return {
        "external_url": f"https://github.com/coder/coder/releases/tag/{release}",
        "version": f"{release}+0c0de00",
        "dashboard_url": "http://coder.example.com",
    }


def _select_organizations(context: RequestContext, name: str) -> Sequence[Organization]:
    """Return the organization with an id or a name, all of them without one; raises Refused."""
    organizations = context.population.catalog.organizations
    selected = [each for each in organizations if name in {"", each.id, each.name}]
    if not selected:
        raise Refused(NO_RESOURCE)
    return selected


def list_templates(context: RequestContext, organization: str = "") -> list[Document]:
    """Return the response of `/templates`, or of one organization, without deleted templates."""
    organizations = _select_organizations(context, organization)
    rows = []
    for index, each in enumerate(context.population.catalog.templates):
        if each.deleted or not context.role.reads_templates or each.organization not in organizations:
            continue
        row: Document = {
            "id": each.id,
            "organization_id": each.organization.id,
            "name": each.name,
            "display_name": each.name.replace("-", " ").title(),
            "build_time_stats": _measure_builds(context, index, each),
            "deprecated": each.deprecated,
        }
        rows.append(row | _name_organization(context, each.organization))
    return rows


def list_organizations(context: RequestContext) -> list[Document]:
    """Return the response of `/organizations`."""
    return [
        {"id": each.id, "name": each.name, "display_name": each.display_name, "is_default": index == 0}
        for index, each in enumerate(context.population.catalog.organizations)
    ]


def list_groups(context: RequestContext, organization: str = "") -> list[Document]:
    """Return the response of `/groups`, or of one organization: the groups with all their members."""
    organizations = _select_organizations(context, organization)
    validate_query("/groups", context.query, context.now, context.server_version)
    own = context.population.catalog.organizations[0] if context.role.one_organization else None
    return [
        _build_group(context, each)
        for each in context.population.groups
        if each.organization in organizations
        # Without a role for all of them, a caller sees the groups that it is in.
        and (context.role.reads_users or each.organization == own or each.name == EVERYONE)
    ]


def get_own_user(context: RequestContext) -> Document:
    """Return the response of `/users/me`."""
    return {
        "id": CALLER_ID,
        "username": "exporter",
        "email": "exporter@example.com",
        "status": "active",
        "organization_ids": [each.id for each in context.population.catalog.organizations],
        "roles": [{"name": name, "display_name": name} for name in {context.role.name} - {"member"}],
    }


def get_key(context: RequestContext, key_id: str) -> Document:
    """Return the response of `/users/me/keys/{id}`, which the caller's own key has only."""
    if key_id != context.key_id:
        raise Refused(NO_RESOURCE)
    return {
        "id": context.key_id,
        "user_id": CALLER_ID,
        "expires_at": format_time(context.token_expires),
        "token_name": "exporter",
        "lifetime_seconds": int(TOKEN_LIFETIME.total_seconds()),
    }


def _name_organization(context: RequestContext, organization: Organization) -> Document:
    """Return the fields that name an organization, which older servers lack."""
    names = {"organization_name": organization.name, "organization_display_name": organization.display_name}
    return names if context.server_version.year >= 2025 else {}


def _build_group(context: RequestContext, group: UserGroup) -> Document:
    today = context.now.astimezone(UTC).toordinal()
    users = context.population.users
    found = ((users[index], find_status(users[index], today)) for index in group.members)
    members = [_build_member(user, status) for user, status in found if status]
    sees_members = context.role.reads_users or context.role.one_organization
    counted = {"total_member_count": len(members)} if context.server_version.year >= 2025 else {}
    return {
        "id": group.id,
        "name": group.name,
        "display_name": group.display_name,
        "organization_id": group.organization.id,
        "members": members if sees_members else [get_own_user(context)],
        **counted,
        **_name_organization(context, group.organization),
    }


def _build_member(user: User, status: str) -> Document:
    return {
        "id": user.id,
        "username": user.username,
        "avatar_url": user.avatar_url,
        "email": f"{user.username}@example.com",
        "created_at": f"{date.fromordinal(user.joined)}T00:00:00Z",
        "status": status,
        "login_type": "oidc",
        "name": user.username.replace(".", " ").title(),
        "updated_at": CREATED_AT,
        "last_seen_at": CREATED_AT,
        "theme_preference": "",
    }


def _measure_builds(context: RequestContext, index: int, template: SampleTemplate) -> Document:
    """Return durations in milliseconds, which the server computes every four hours."""
    drawn = mix(context.population.seed, index, int(context.now.timestamp()) // 14_400)
    used = bool(context.population.users) and template.weight > 0
    medians = {
        "start": 24_000 + 9_000 * index + drawn % 6_000 if used else None,
        "stop": 5_000 + drawn % 2_000 if used and index % 4 else None,
        "delete": 8_000 + drawn % 3_000 if used and index % 3 == 0 else None,
    }
    return {name: {"P50": each, "P95": each and each * 5 // 2} for name, each in medians.items()}
