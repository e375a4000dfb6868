"""Dashboard variables; they have the same meaning on each dashboard, so links can keep them."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana import thresholds
from grafana.promql import DEPLOYMENT, SCOPE
from grafana.queries import refer_to_source

EVEN_NONE: Final = ".*"
"""Matches all values and series without the label: collectors may drop `instance`, and the organization
of a deleted template is unknown."""

ALL: Final = VariableOption(selected=True, text=["All"], value=["$__all"])


def build_datasource() -> VariableModel:
    """Return the choice of the Prometheus (or Mimir, Thanos, VictoriaMetrics) to query."""
    return DatasourceVariable("datasource").label("Data source").type("prometheus").build()


def build_job() -> VariableModel:
    """Return the choice of scrape jobs."""
    return _build_multi_value("job", "Job", "label_values(insights_exporter_build_info, job)")


def build_instance() -> VariableModel:
    """Return the choice of exporters."""
    query = 'label_values(insights_exporter_build_info{job=~"$job"}, instance)'
    return _build_multi_value("instance", "Instance", query, EVEN_NONE)


def build_deployment() -> VariableModel:
    """Return the choice of Coder deployments."""
    query = f"label_values(insights_exporter_requests_total{{{SCOPE}}}, deployment)"
    return _build_multi_value("deployment", "Deployment", query)


def build_label(name: str, label: str, family: str, value_of: str) -> VariableModel:
    """Return a choice among the values that a label of a family has."""
    return _build_multi_value(
        name, label, f"label_values({family}{{{SCOPE}, {DEPLOYMENT}}}, {value_of})", EVEN_NONE
    )


def build_window(family: str, hide: VariableHide = VariableHide.DONT_HIDE) -> VariableModel:
    """Return the choice of one of the windows that a family has."""
    query = f"label_values({family}{{{SCOPE}, {DEPLOYMENT}}}, window)"
    default = VariableOption(selected=True, text=thresholds.POOR_WINDOW, value=thresholds.POOR_WINDOW)
    variable = _build_query("window", "Window", query).sort(VariableSort.NUMERICAL_ASC).current(default)
    return variable.multi(False).include_all(False).hide(hide).build()  # noqa: FBT003  the builder's signature


def _build_multi_value(name: str, label: str, query: str, everything: str = ".+") -> VariableModel:
    variable = _build_query(name, label, query).sort(VariableSort.ALPHABETICAL_ASC).current(ALL)
    return variable.multi(True).include_all(True).all_value(everything).build()  # noqa: FBT003  the builder's signature


def _build_query(name: str, label: str, query: str) -> QueryVariable:
    variable = QueryVariable(name).label(label).query(query).datasource(refer_to_source())
    return variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
