"""The paths of the API, each with its handler."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from insights_exporter.demo import insights, resources
from insights_exporter.demo.context import RequestContext, ServerVersion, check_groups_license, check_token
from insights_exporter.demo.entitlements import build_entitlements
from insights_exporter.demo.error_responses import DISABLED, NO_ROUTE, Refused
from insights_exporter.demo.validation import API


@dataclass(frozen=True, slots=True)
class Route:
    """A path with its handler, which gets the request and the groups of the pattern, or raises Refused."""

    pattern: str
    handler: Callable[..., Any]
    checks: Sequence[Callable[[RequestContext], None]] = (check_token,)
    """What is checked before the handler is called, in this order."""
    since: int = 0
    """The year of the first server version that has it."""
    published: bool = False
    """Whether the API documentation has it."""


def find_route(path: str, version: ServerVersion) -> tuple[Route, Sequence[str]]:
    """Return the route of a path, with the values of its placeholders; raises Refused."""
    inside = path.removeprefix(API) if path.startswith(API + "/") else ""
    for route in ROUTES:
        match = re.fullmatch(route.pattern, inside)
        if match and version.year >= route.since and (route.published or not version.published):
            return route, match.groups()
    raise Refused(NO_ROUTE)


def _check_usage_stats(context: RequestContext) -> None:
    if not context.usage_stats:
        raise Refused(DISABLED)


_route_report = partial(Route, checks=(check_token, _check_usage_stats), published=True)

ROUTES = (
    _route_report("/insights/daus", insights.build_daus),
    _route_report("/insights/templates", insights.build_templates_report),
    _route_report("/insights/user-activity", insights.build_user_activity),
    _route_report("/insights/user-latency", insights.build_user_latency),
    Route("/insights/user-status-counts", insights.build_status_counts, since=2025),
    Route("/templates", resources.list_templates, since=2024),
    Route("/organizations", resources.list_organizations),
    Route("/organizations/([^/]+)/templates", resources.list_templates),
    Route("/users/me", resources.get_own_user),
    Route("/users/me/keys/([^/]+)", resources.get_key),
    Route("/groups", resources.list_groups, (check_groups_license, check_token), since=2025),
    Route("/organizations/([^/]+)/groups", resources.list_groups, (check_token, check_groups_license)),
    Route("/entitlements", build_entitlements, ()),
    Route("/buildinfo", resources.get_buildinfo, ()),
)
