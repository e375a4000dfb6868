"""Roles, licenses and tokens: what a caller may read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from insights_exporter.demo.error_responses import MISSING, NO_ROUTE, NOT_LICENSED, Refused, signed_out
from insights_exporter.demo.go_format import format_time, quote
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.versions import ServerVersion

Entitlement = Literal["entitled", "grace_period", "not_entitled"]
"""The state of a license, and of its features."""
Document = dict[str, Any]
"""A JSON object."""
Pairs = Sequence[tuple[str, str]]
"""A decoded query."""


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
    usage_stats: bool

    @property
    def key_id(self) -> str:
        """The public part of the token."""
        return self.token.partition("-")[0]

    @property
    def is_licensed(self) -> bool:
        """Whether Premium features work, which they also do in the grace period."""
        return self.license != "not_entitled"


def check_license(context: RequestContext) -> None:
    """Check that the license allows a Premium feature; raises Refused."""
    if not context.is_licensed:
        raise Refused(NOT_LICENSED if context.server_version.year >= 2025 else NO_ROUTE)


def check_token(context: RequestContext) -> None:
    """Check the token of a request; raises Refused."""
    if not context.sent_token:
        raise Refused(signed_out(MISSING))
    if context.sent_token.partition("-")[0] != context.key_id:
        raise Refused(signed_out("API key is invalid."))
    if context.sent_token != context.token:
        raise Refused(signed_out("API key secret is invalid."))
    if context.token_expires <= context.now:
        raise Refused(signed_out(f"API key expired at {quote(format_time(context.token_expires))}."))
