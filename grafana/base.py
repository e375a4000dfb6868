"""The common parts of all dashboards: identity, links, refresh interval, and JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType, VariableModel

from grafana import project
from grafana.layout import Section, place
from grafana.project import DashboardInfo

REFRESH: Final = "5m"
"""Coder updates its statistics every five minutes; a shorter interval shows no new data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A dashboard: its identity, description, default time range, variables and sections."""

    dashboard: DashboardInfo
    description: str
    since: str
    variables: Sequence[VariableModel]
    sections: Sequence[Section]


def build_dashboard(content: Content) -> dict[str, Any]:
    """Return the dashboard in its provisioned form."""
    built = (
        Dashboard(content.dashboard.title)
        .uid(content.dashboard.uid)
        .description(content.description)
        .tags(["coder", project.TAG])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(content.since, "now")
        .timezone("browser")
        .refresh(REFRESH)
        .links([_link_dashboards(), _link_runbooks()])
        .build()
    )
    built.panels = place(content.sections)
    built.templating = dashboard.DashboardDashboardTemplating(list_val=list(content.variables))
    result: dict[str, Any] = json.loads(json.dumps(built, cls=JSONEncoder))
    return result


def _link_dashboards() -> DashboardLink:
    """Return the links to the other dashboards, which keep the time range and the variables."""
    link = DashboardLink("Coder Insights").type(DashboardLinkType.DASHBOARDS).tags([project.TAG])
    return link.include_vars(True).keep_time(True)  # noqa: FBT003  the builder's own signature


def _link_runbooks() -> DashboardLink:
    link = (
        DashboardLink("Runbooks")
        .type(DashboardLinkType.LINK)
        .icon("doc")
        .tooltip("What to do about an alert")
    )
    return link.url(f"{project.ADDRESS}/tree/main/docs/runbooks").target_blank(True)  # noqa: FBT003  as above
