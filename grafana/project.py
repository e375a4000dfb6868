"""Names and addresses by which dashboards, rules and runbooks refer to each other."""

from dataclasses import dataclass
from typing import Final

ADDRESS: Final = "https://github.com/insights-exporter/insights-exporter"

TAG: Final = "coder-insights"
"""The tag by which the dashboards find each other."""


@dataclass(frozen=True, slots=True)
class DashboardInfo:
    """A dashboard's identity; `uid` is part of links and bookmarks and never changes."""

    uid: str
    title: str
    file: str

    @property
    def path(self) -> str:
        """Return its path, relative to the address of a Grafana."""
        return f"/d/{self.uid}"


ADOPTION: Final = DashboardInfo("coder-insights-adoption", "Coder Insights / Adoption", "adoption.json")
TEMPLATES: Final = DashboardInfo(
    "coder-insights-templates", "Coder Insights / Templates and parameters", "templates.json"
)
CONNECTION: Final = DashboardInfo(
    "coder-insights-connection", "Coder Insights / Connection quality", "connection.json"
)
USERS: Final = DashboardInfo("coder-insights-users", "Coder Insights / Users and groups", "users.json")
HEALTH: Final = DashboardInfo("coder-insights-health", "Coder Insights / Exporter health", "health.json")


def build_runbook_url(alert: str) -> str:
    """Return the address of an alert's runbook."""
    return f"{ADDRESS}/blob/main/docs/runbooks/{alert}.md"
