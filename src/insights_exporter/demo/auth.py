"""Roles, licenses, tokens and the rate limit: what a caller may read, and how often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType
from typing import Any, Literal

from insights_exporter.demo.error_responses import (
    MISSING,
    NO_ROUTE,
    NOT_LICENSED,
    SUSPENDED,
    ErrorResponse,
    signed_out,
)
from insights_exporter.demo.go_format import format_time, quote
from insights_exporter.demo.population.population import Population
from insights_exporter.demo.versions import ServerVersion

Document = dict[str, Any]
"""A JSON object."""

WINDOW = 60
COOKIE = "coder_session_token"
ID_LENGTH = 10
SECRET_LENGTH = 22
PARTS = 2


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """The state of the rate limit after a request; `headers` are empty without a limit."""

    is_exceeded: bool
    headers: Mapping[str, str]


UNLIMITED = RateLimitState(is_exceeded=False, headers={})


@dataclass(slots=True)
class MinuteRateLimiter:
    """Counts requests in windows of a whole minute."""

    _counts: dict[str, int] = field(default_factory=dict)
    _window: int = 0

    def count(self, key: str, limit: int, now: datetime) -> RateLimitState:
        """Count one request; a negative limit means no limit."""
        if limit < 0:
            return UNLIMITED
        window = int(now.timestamp()) // WINDOW
        if window != self._window:
            self._window = window
            self._counts.clear()
        used = self._counts[key] = self._counts.get(key, 0) + 1
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(limit - used, 0)),
            "X-RateLimit-Reset": str((window + 1) * WINDOW),
        }
        return RateLimitState(is_exceeded=used > limit, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The permissions of a role on the site.

    `one_organization` roles see the insights of the first organization's
    templates, and only when they name them.
    """

    name: str
    reads_deployment: bool = False
    views_insights: bool = False
    reads_users: bool = False
    reads_templates: bool = True
    reads_groups: bool = False
    one_organization: bool = False


ROLES: Mapping[str, Role] = MappingProxyType(
    {
        role.name: role
        for role in (
            Role(
                name="owner", reads_deployment=True, views_insights=True, reads_users=True, reads_groups=True
            ),
            Role(
                name="auditor",
                reads_deployment=True,
                views_insights=True,
                reads_users=True,
                reads_groups=True,
            ),
            Role(name="template-admin", views_insights=True, reads_users=True, reads_groups=True),
            Role(name="user-admin", reads_users=True, reads_templates=False, reads_groups=True),
            Role(name="member", reads_templates=False),
            Role(name="organization-template-admin", one_organization=True),
        )
    }
)


LicenseState = Literal["premium", "grace-period", "none", "open-source"]
"""`none` is an enterprise build without a license; an open-source build lacks the routes."""
ENTITLEMENTS: Mapping[LicenseState, str] = MappingProxyType(
    {"premium": "entitled", "grace-period": "grace_period"}
)
"""Entitlement of the features of a license; those that it lacks are `not_entitled`."""


def refuse_unlicensed(license_: LicenseState, version: ServerVersion) -> ErrorResponse | None:
    """Return the refusal of a Premium feature, None if the license allows it."""
    if license_ in ENTITLEMENTS:
        return None
    return NOT_LICENSED if license_ == "none" and version.explains_license else NO_ROUTE


@dataclass(frozen=True, slots=True)
class Key:
    """The only API key of the server, and the state of its user."""

    token: str
    expires_at: datetime
    suspended: bool = False

    @property
    def id(self) -> str:
        """The public part of the token."""
        return self.token.partition("-")[0]


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The server as one caller sees it at one moment."""

    population: Population
    server_version: ServerVersion
    role: Role
    key: Key
    now: datetime
    license: LicenseState = "premium"


def check_token(token: str, key: Key, now: datetime, server_version: ServerVersion) -> ErrorResponse | None:
    """Return the refusal of a token, which is empty if the request has none."""
    error = _token_error(token, key, now)
    if error:
        return signed_out(error, server_version)
    return SUSPENDED if key.suspended else None


def find_token(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Return the token of a request from where the server looks for it; header names are lower case."""
    bearer = headers.get("authorization", "")
    return (
        _cookie(headers.get("cookie", ""))
        or query.get(COOKIE, "")
        or headers.get("coder-session-token", "")
        or (bearer[7:] if bearer[:7].lower() == "bearer " else "")
        or query.get("access_token", "")
    )


def _cookie(text: str) -> str:
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _token_error(token: str, key: Key, now: datetime) -> str:
    if not token:
        return MISSING
    format_error = _format_error(token.split("-"))
    if format_error:
        return f"Invalid API key format: {format_error}"
    if token.partition("-")[0] != key.id:
        return "API key is invalid."
    if token != key.token:
        return "API key secret is invalid."
    return f"API key expired at {quote(format_time(key.expires_at))}." if key.expires_at <= now else ""


def _format_error(parts: Sequence[str]) -> str:
    if len(parts) != PARTS:
        return f"incorrect amount of API key parts, expected {PARTS} got {len(parts)}"
    for part, name, length in zip(parts, ("ID", "secret"), (ID_LENGTH, SECRET_LENGTH), strict=True):
        if len(part) != length:
            return f"invalid API key {name} length, expected {length} got {len(part)}"
    return ""
