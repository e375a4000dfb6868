"""What a rule is, and the mapping that Prometheus reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana import project
from grafana.project import Board

Severity = Literal["warning", "info"]
"""Statistics that can be backfilled page no one; the chart can set others."""


def threshold(name: str, value: float) -> str:
    """Return a number with the name under which the chart changes it; it ends its line of PromQL."""
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

    `summary` says what is wrong without naming anything, `description` what
    exactly. `board` is the dashboard that shows it, opened at the alert's
    deployment where `of_deployment` says that it has one.
    """

    name: str
    severity: Severity
    hold: str
    expr: str
    summary: str
    description: str
    board: Board
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
            "runbook_url": project.runbook(self.name),
            "dashboard_url": self.board.path + chosen,
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: Sequence[Recording | Alert]

    def mapping(self) -> dict[str, object]:
        """Return the group as Prometheus writes it."""
        return {"name": self.name, "rules": [rule.mapping() for rule in self.rules]}
