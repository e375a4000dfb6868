"""The paths of the API: what each asks of the caller, and what answers it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from insights_exporter.demo import entitlements, insights
from insights_exporter.demo import insights as days
from insights_exporter.demo import resources as directory
from insights_exporter.demo.error_responses import DISABLED, NO_RESOURCE, NO_ROUTE, ErrorResponse, forbidden
from insights_exporter.demo.response_cache import View
from insights_exporter.demo.validation import API, Accepted, Verdict

Pairs = Sequence[tuple[str, str]]
Judge = Callable[[str, Pairs], Verdict]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a handler sees it; `judge` applies the rules to path and query."""

    view: View
    path: str
    query: Pairs
    judge: Judge
    usage_stats: bool


Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A path with its handler, which gets the call and the groups of the pattern."""

    pattern: re.Pattern[str]
    handler: Handler
    open: bool = False
    """Whether no token is needed."""
    published: bool = False
    """Whether the published page has it."""
    enterprise: bool = False
    """Whether an open-source build lacks it."""
    premium: bool = False
    """Whether it needs a license."""
    license_first: bool = False
    """Whether the license is checked before the token."""


def find_route(path: str) -> tuple[Route, tuple[str, ...]] | None:
    """Find the route of a path, with what stands in its placeholders."""
    inside = path.removeprefix(API) if path.startswith(API + "/") else ""
    for route in ROUTES:
        match = route.pattern.fullmatch(inside)
        if match:
            return route, match.groups()
    return None


def _daus(call: Call) -> object:
    if not call.usage_stats:
        return DISABLED
    if not (call.view.role.reads_deployment and call.view.role.views_insights):
        return forbidden(call.view.generation)
    return _judged(call, days.answer_days)


def _template_daus(call: Call, template_id: str) -> object:
    if not call.usage_stats:
        return DISABLED
    if not _may_view(call.view, (template_id,)):
        return NO_RESOURCE
    return _judged(call, partial(days.answer_days, template_id=template_id))


def _window(call: Call, response: Callable[[View, Accepted], object]) -> object:
    if not call.usage_stats:
        return DISABLED
    verdict = call.judge(call.path, call.query)
    if isinstance(verdict, ErrorResponse):
        return verdict
    return response(call.view, verdict) if _may_view(call.view, verdict.template_ids) else NO_RESOURCE


def _templates(call: Call) -> object:
    return _window(call, insights.answer_templates)


def _activity(call: Call) -> object:
    return _window(call, insights.answer_activity)


def _latency(call: Call) -> object:
    return _window(call, insights.answer_latency)


def _status_counts(call: Call) -> object:
    verdict = call.judge(call.path, call.query)
    if isinstance(verdict, ErrorResponse):
        return verdict
    if not call.view.role.reads_users:
        return forbidden(call.view.generation)
    return days.answer_status_counts(call.view, verdict)


def _judged(call: Call, response: Callable[[View, Accepted], object]) -> object:
    verdict = call.judge(call.path, call.query)
    return verdict if isinstance(verdict, ErrorResponse) else response(call.view, verdict)


def _may_view(view: View, template_ids: Sequence[str]) -> bool:
    if view.role.views_insights:
        return True
    first = view.population.catalog.organizations[0]
    own = {each.id for each in view.population.catalog.templates if each.organization == first}
    return view.role.one_organization and bool(template_ids) and own.issuperset(template_ids)


def _build(call: Call) -> object:
    return directory.answer_build(call.view)


def _all_templates(call: Call) -> object:
    return directory.answer_templates_list(call.view) if call.view.generation.all_templates else NO_ROUTE


def _organization_templates(call: Call, organization: str) -> object:
    known = {name for each in call.view.population.catalog.organizations for name in (each.id, each.name)}
    if organization not in known:
        return NO_RESOURCE
    return directory.answer_templates_list(call.view, organization)


def _organizations(call: Call) -> object:
    return directory.answer_organizations(call.view)


def _me(call: Call) -> object:
    return directory.answer_me(call.view)


def _key(call: Call, key_id: str) -> object:
    return directory.answer_key(call.view) if key_id == call.view.key.id else NO_RESOURCE


def _users(call: Call) -> object:
    return directory.answer_users(call.view, dict(call.query))


def _entitlements(call: Call) -> object:
    return entitlements.build_entitlements(call.view)


def _all_groups(call: Call) -> object:
    return _groups(call, call.query) if call.view.generation.all_groups else NO_ROUTE


def _organization_groups(call: Call, organization: str) -> object:
    known = {name for each in call.view.population.catalog.organizations for name in (each.id, each.name)}
    if organization not in known:
        return NO_RESOURCE
    others = [pair for pair in call.query if pair[0] != "organization"]
    return _groups(call, [*others, ("organization", organization)])


def _groups(call: Call, query: Pairs) -> object:
    verdict = call.judge("/groups", query)
    return verdict if isinstance(verdict, ErrorResponse) else directory.list_groups(call.view, verdict)


ROUTES = (
    Route(re.compile("/insights/daus"), _daus, published=True),
    Route(re.compile("/insights/templates"), _templates, published=True),
    Route(re.compile("/insights/user-activity"), _activity, published=True),
    Route(re.compile("/insights/user-latency"), _latency, published=True),
    Route(re.compile("/insights/user-status-counts"), _status_counts),
    Route(re.compile("/templates/([^/]+)/daus"), _template_daus),
    Route(re.compile("/templates"), _all_templates),
    Route(re.compile("/organizations"), _organizations),
    Route(re.compile("/organizations/([^/]+)/templates"), _organization_templates),
    Route(re.compile("/users/me"), _me),
    Route(re.compile("/users/me/keys/([^/]+)"), _key),
    Route(re.compile("/users"), _users),
    Route(re.compile("/groups"), _all_groups, enterprise=True, premium=True, license_first=True),
    Route(re.compile("/organizations/([^/]+)/groups"), _organization_groups, enterprise=True, premium=True),
    Route(re.compile("/entitlements"), _entitlements, open=True, enterprise=True),
    Route(re.compile("/buildinfo"), _build, open=True),
)
