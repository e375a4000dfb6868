"""A request, and the server as its caller sees it: version, role, license, token."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from insights_exporter.demo.error_responses import MISSING, NO_ROUTE, NOT_LICENSED, Refused, refuse_token
from insights_exporter.demo.go_format import format_time, quote
from insights_exporter.demo.population.population import Population

Entitlement = Literal["entitled", "grace_period", "not_entitled"]
"""The state of a license, and of its features."""
Document = dict[str, Any]
"""A JSON object."""
Pairs = Sequence[tuple[str, str]]
"""A decoded query."""
GROUPS_FEATURE = "template_rbac"
"""The licensed feature that groups belong to."""


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """One version of the server."""

    name: str
    year: int
    """Decides what the server can do.

    2024 brought SFTP, `/templates`, and days without a time; 2025 user-status-counts, `/groups`,
    `times_used` and names of organizations; 2026 agents, and time zones in user-status-counts; 2027
    has no other zones there.
    """
    release: str
    """The version that it reports."""
    session_apps: Literal["families", "listed", "bounded", "by-method"] = "families"
    """How the usage of editors, SSH and terminals is reported: by family, or by app."""
    published: bool = False
    """Whether requests and paths are those of the API documentation."""


_VERSIONS = (
    ServerVersion("2023", 2023, "v2.1.0"),
    ServerVersion("2024", 2024, "v2.9.0"),
    ServerVersion("2025", 2025, "v2.18.0"),
    ServerVersion("2026", 2026, "v2.30.0"),
    ServerVersion("2026-session-apps", 2026, "v2.33.0", "listed"),
    ServerVersion("2026-bounded", 2026, "v2.34.0", "bounded"),
    ServerVersion("next", 2027, "v2.36.0", "by-method"),
)
SERVER_VERSIONS: Mapping[str, ServerVersion] = {version.name: version for version in _VERSIONS}
"""The versions of the real server, by name, oldest first."""
PUBLISHED_VERSION = ServerVersion("published", 2024, "v2.9.0", published=True)
"""The version for which the API documentation was written."""


@dataclass(frozen=True, slots=True)
class Role:
    """The permissions of a role on the site.

    `one_organization` roles see the insights of the first organization's
    templates, and only when they name them.
    """

    name: str
    reads_deployment: bool = False
    views_insights: bool = False
    reads_users: bool = False
    """Whether it sees users and the members of all groups."""
    reads_templates: bool = True
    one_organization: bool = False


_ROLES = (
    Role("owner", reads_deployment=True, views_insights=True, reads_users=True),
    Role("auditor", reads_deployment=True, views_insights=True, reads_users=True),
    Role("template-admin", views_insights=True, reads_users=True),
    Role("user-admin", reads_users=True, reads_templates=False),
    Role("member", reads_templates=False),
    Role("organization-template-admin", one_organization=True),
)
ROLES: Mapping[str, Role] = {role.name: role for role in _ROLES}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """One request, and the server as its caller sees it at that moment."""

    path: str
    query: Pairs
    sent_token: str
    """Empty if the request has none."""
    token: str
    """The only valid one; the part before the dash is the ID of its API key."""
    token_expires: datetime
    now: datetime
    population: Population
    server_version: ServerVersion
    role: Role
    license: Entitlement
    unlicensed: Collection[str]
    """The features that the license lacks."""
    usage_stats: bool

    @property
    def key_id(self) -> str:
        """The public part of the token."""
        return self.token.partition("-")[0]

    @property
    def is_licensed(self) -> bool:
        """Whether Premium features work, which they also do in the grace period."""
        return self.license != "not_entitled"

    def is_entitled(self, feature: str) -> bool:
        """Return whether the license has a feature."""
        return self.is_licensed and feature not in self.unlicensed


def check_groups_license(context: RequestContext) -> None:
    """Check that the license has groups; raises Refused."""
    if not context.is_entitled(GROUPS_FEATURE):
        raise Refused(NOT_LICENSED if context.server_version.year >= 2025 else NO_ROUTE)


def check_token(context: RequestContext) -> None:
    """Check the token of a request; raises Refused."""
    if not context.sent_token:
        raise Refused(refuse_token(MISSING))
    if context.sent_token.partition("-")[0] != context.key_id:
        raise Refused(refuse_token("API key is invalid."))
    if context.sent_token != context.token:
        raise Refused(refuse_token("API key secret is invalid."))
    if context.token_expires <= context.now:
        raise Refused(refuse_token(f"API key expired at {quote(format_time(context.token_expires))}."))
