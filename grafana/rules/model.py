"""Rules and groups of rules, and their form in Prometheus' rule files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana import project
from grafana.project import DashboardInfo

Severity = Literal["warning", "info"]
"""None pages anyone, because the statistics can be backfilled; the chart can set other severities."""


def label_threshold(name: str, value: float) -> str:
    """Return a number with the name by which the chart overrides it, as a comment that ends the line."""
    return f"{value}  # {name}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded series, named `level:metric:operations`."""

    record: str
    expr: str

    def mapping(self) -> dict[str, object]:
        """Return the rule as Prometheus writes it."""
        return {"record": self.record, "expr": self.expr}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert: `hold` is how long `expr` has to hold before it fires.

    `summary` describes the problem in general, `description` with the names
    of the affected objects. `dashboard` is the dashboard that shows it, opened at the
    alert's deployment if `of_deployment` is set.
    """

    name: str
    severity: Severity
    hold: str
    expr: str
    summary: str
    description: str
    dashboard: DashboardInfo
    of_deployment: bool = True

    def mapping(self) -> dict[str, object]:
        """Return the rule as Prometheus writes it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.hold,
            "labels": {"severity": self.severity},
            "annotations": self._annotations(),
        }

    def _annotations(self) -> dict[str, str]:
        chosen = "?var-deployment={{ $labels.deployment | urlquery }}" if self.of_deployment else ""
        return {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": project.build_runbook_url(self.name),
            "dashboard_url": self.dashboard.path + chosen,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: Sequence[Recording | Alert]

    def mapping(self) -> dict[str, object]:
        """Return the group as Prometheus writes it."""
        return {"name": self.name, "rules": [rule.mapping() for rule in self.rules]}
