"""The paths of the API: what each requires of the caller, and its handler."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from insights_exporter.demo import insights, resources
from insights_exporter.demo.auth import RequestContext
from insights_exporter.demo.error_responses import DISABLED, NO_RESOURCE, NO_ROUTE, ErrorResponse, forbidden
from insights_exporter.demo.validation import API, CheckResult, ParsedQuery

Pairs = Sequence[tuple[str, str]]
Builder = Callable[[RequestContext, ParsedQuery], object]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a handler gets it; `check` applies the rules to a path and a query."""

    context: RequestContext
    path: str
    query: Pairs
    check: Callable[[str, Pairs], CheckResult]
    usage_stats: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A path with its handler, which gets the call and the groups of the pattern."""

    pattern: re.Pattern[str]
    handler: Callable[..., Any]
    open: bool = False
    """Whether no token is needed."""
    published: bool = False
    """Whether the API documentation has it."""
    enterprise: bool = False
    """Whether an open-source build lacks it."""
    premium: bool = False
    """Whether it needs a license."""
    license_first: bool = False
    """Whether the license is checked before the token."""


def find_route(path: str) -> tuple[Route, tuple[str, ...]] | None:
    """Return the route of a path, with the values of its placeholders."""
    inside = path.removeprefix(API) if path.startswith(API + "/") else ""
    for route in ROUTES:
        match = route.pattern.fullmatch(inside)
        if match:
            return route, match.groups()
    return None


def _build_checked(call: Call, build: Builder) -> object:
    result = call.check(call.path, call.query)
    return result if isinstance(result, ErrorResponse) else build(call.context, result)


def _daus(call: Call) -> object:
    if not call.usage_stats:
        return DISABLED
    if not (call.context.role.reads_deployment and call.context.role.views_insights):
        return forbidden(call.context.server_version)
    return _build_checked(call, insights.build_daus)


def _template_daus(call: Call, template_id: str) -> object:
    if not call.usage_stats:
        return DISABLED
    if not _may_view(call.context, (template_id,)):
        return NO_RESOURCE
    return _build_checked(call, partial(insights.build_daus, template_id=template_id))


def _report(build: Builder) -> Callable[[Call], object]:
    def handle(call: Call) -> object:
        if not call.usage_stats:
            return DISABLED
        result = call.check(call.path, call.query)
        if isinstance(result, ErrorResponse):
            return result
        return build(call.context, result) if _may_view(call.context, result.template_ids) else NO_RESOURCE

    return handle


def _status_counts(call: Call) -> object:
    result = call.check(call.path, call.query)
    if isinstance(result, ErrorResponse):
        return result
    if not call.context.role.reads_users:
        return forbidden(call.context.server_version)
    return insights.build_status_counts(call.context, result)


def _may_view(context: RequestContext, template_ids: Sequence[str]) -> bool:
    if context.role.views_insights:
        return True
    first = context.population.catalog.organizations[0]
    own = {each.id for each in context.population.catalog.templates if each.organization == first}
    return context.role.one_organization and bool(template_ids) and own.issuperset(template_ids)


def _all_templates(call: Call) -> object:
    return resources.list_templates(call.context) if call.context.server_version.all_templates else NO_ROUTE


def _organization_templates(call: Call, organization: str) -> object:
    if not _has_organization(call, organization):
        return NO_RESOURCE
    return resources.list_templates(call.context, organization)


def _has_organization(call: Call, organization: str) -> bool:
    organizations = call.context.population.catalog.organizations
    return any(organization in {each.id, each.name} for each in organizations)


def _key(call: Call, key_id: str) -> object:
    return resources.get_key(call.context) if key_id == call.context.key.id else NO_RESOURCE


def _all_groups(call: Call) -> object:
    return _groups(call, call.query) if call.context.server_version.all_groups else NO_ROUTE


def _organization_groups(call: Call, organization: str) -> object:
    if not _has_organization(call, organization):
        return NO_RESOURCE
    others = [pair for pair in call.query if pair[0] != "organization"]
    return _groups(call, [*others, ("organization", organization)])


def _groups(call: Call, query: Pairs) -> object:
    result = call.check("/groups", query)
    return result if isinstance(result, ErrorResponse) else resources.list_groups(call.context, result)


ROUTES = (
    Route(re.compile("/insights/daus"), _daus, published=True),
    Route(re.compile("/insights/templates"), _report(insights.build_templates_report), published=True),
    Route(re.compile("/insights/user-activity"), _report(insights.build_user_activity), published=True),
    Route(re.compile("/insights/user-latency"), _report(insights.build_user_latency), published=True),
    Route(re.compile("/insights/user-status-counts"), _status_counts),
    Route(re.compile("/templates/([^/]+)/daus"), _template_daus),
    Route(re.compile("/templates"), _all_templates),
    Route(re.compile("/organizations"), lambda call: resources.list_organizations(call.context)),
    Route(re.compile("/organizations/([^/]+)/templates"), _organization_templates),
    Route(re.compile("/users/me"), lambda call: resources.get_own_user(call.context)),
    Route(re.compile("/users/me/keys/([^/]+)"), _key),
    Route(re.compile("/users"), lambda call: resources.list_users(call.context, dict(call.query))),
    Route(re.compile("/groups"), _all_groups, enterprise=True, premium=True, license_first=True),
    Route(re.compile("/organizations/([^/]+)/groups"), _organization_groups, enterprise=True, premium=True),
    Route(
        re.compile("/entitlements"),
        lambda call: resources.build_entitlements(call.context),
        open=True,
        enterprise=True,
    ),
    Route(re.compile("/buildinfo"), lambda call: resources.get_buildinfo(call.context), open=True),
)
