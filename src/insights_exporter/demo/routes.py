"""The paths of the API, each with its handler."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from insights_exporter.demo import insights, resources
from insights_exporter.demo.auth import RequestContext, check_license, check_token
from insights_exporter.demo.error_responses import DISABLED, NO_RESOURCE, NO_ROUTE, Refused, forbidden
from insights_exporter.demo.population.templates import Organization
from insights_exporter.demo.validation import API, ParsedQuery, validate_query


@dataclass(frozen=True, slots=True)
class Route:
    """A path with its handler, which gets the request and the groups of the pattern, or raises Refused."""

    pattern: str
    handler: Callable[..., Any]
    checks: Sequence[Callable[[RequestContext], None]] = (check_token,)
    """What is checked before the handler is called, in this order."""
    published: bool = False
    """Whether the API documentation has it."""


def find_route(path: str) -> tuple[Route, Sequence[str]] | None:
    """Return the route of a path, with the values of its placeholders."""
    inside = path.removeprefix(API) if path.startswith(API + "/") else ""
    for route in ROUTES:
        match = re.fullmatch(route.pattern, inside)
        if match:
            return route, match.groups()
    return None


def _read_query(context: RequestContext) -> ParsedQuery:
    return validate_query(context.path, context.query, context.now, context.server_version)


def _get_daus(context: RequestContext) -> object:
    _check_usage_stats(context)
    if not context.role.reads_deployment:
        raise Refused(forbidden(context.server_version))
    return insights.build_daus(context, _read_query(context))


def _get_report(build: Callable[[RequestContext, ParsedQuery], object], context: RequestContext) -> object:
    _check_usage_stats(context)
    query = _read_query(context)
    if not _may_view(context, query.template_ids):
        raise Refused(NO_RESOURCE)
    return build(context, query)


def _check_usage_stats(context: RequestContext) -> None:
    if not context.usage_stats:
        raise Refused(DISABLED)


def _may_view(context: RequestContext, template_ids: Sequence[str]) -> bool:
    if context.role.views_insights:
        return True
    first = context.population.catalog.organizations[0]
    own = {each.id for each in context.population.catalog.templates if each.organization == first}
    return context.role.one_organization and bool(template_ids) and own.issuperset(template_ids)


def _get_status_counts(context: RequestContext) -> object:
    query = _read_query(context)
    if not context.role.reads_users:
        raise Refused(forbidden(context.server_version))
    return insights.build_status_counts(context, query)


def _list_all_templates(context: RequestContext) -> object:
    if context.server_version.year < 2024:
        raise Refused(NO_ROUTE)
    return resources.list_templates(context)


def _list_organization_templates(context: RequestContext, name: str) -> object:
    return resources.list_templates(context, _find_organization(context, name))


def _find_organization(context: RequestContext, name: str) -> Organization:
    for organization in context.population.catalog.organizations:
        if name in {organization.id, organization.name}:
            return organization
    raise Refused(NO_RESOURCE)


def _get_key(context: RequestContext, key_id: str) -> object:
    if key_id != context.key.id:
        raise Refused(NO_RESOURCE)
    return resources.get_key(context)


def _list_all_groups(context: RequestContext) -> object:
    if context.server_version.year < 2025:
        raise Refused(NO_ROUTE)
    return _list_groups(context, None)


def _list_organization_groups(context: RequestContext, name: str) -> object:
    return _list_groups(context, _find_organization(context, name))


def _list_groups(context: RequestContext, organization: Organization | None) -> object:
    validate_query("/groups", context.query, context.now, context.server_version)
    return resources.list_groups(context, organization)


ROUTES = (
    Route("/insights/daus", _get_daus, published=True),
    Route("/insights/templates", partial(_get_report, insights.build_templates_report), published=True),
    Route("/insights/user-activity", partial(_get_report, insights.build_user_activity), published=True),
    Route("/insights/user-latency", partial(_get_report, insights.build_user_latency), published=True),
    Route("/insights/user-status-counts", _get_status_counts),
    Route("/templates", _list_all_templates),
    Route("/organizations", resources.list_organizations),
    Route("/organizations/([^/]+)/templates", _list_organization_templates),
    Route("/users/me", resources.get_own_user),
    Route("/users/me/keys/([^/]+)", _get_key),
    Route("/groups", _list_all_groups, (check_license, check_token)),
    Route("/organizations/([^/]+)/groups", _list_organization_groups, (check_token, check_license)),
    Route("/entitlements", resources.build_entitlements, ()),
    Route("/buildinfo", resources.get_buildinfo, ()),
)
