"""Above the limit, whole families are dropped in their order."""

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.store import select_families_to_drop

SERIES: Mapping[str, int] = {
    "coder_insights_daily_active_users": 1,
    "coder_insights_template_info": 1,
    "coder_insights_template_active_users": 1,
    "coder_insights_template_daily_active_users": 2,
    "coder_insights_template_build_duration_seconds": 5,
    "coder_insights_template_app_times_used": 10,
    "coder_insights_template_app_usage_seconds": 20,
    "coder_insights_parameter_workspaces": 30,
    "coder_insights_user_activity_seconds": 40,
    "coder_insights_user_latency_seconds": 50,
    "coder_insights_template_parameter_workspaces": 60,
    "coder_insights_template_connection_quality_users": 6,
    "coder_insights_template_user_latency_distribution_seconds": 26,
}
BY_NAME = {family.name: family for family in list_data_families(DATASETS)}
PARAMETERS_OF_TEMPLATES = {"coder_insights_template_parameter_workspaces"}
LATENCY = PARAMETERS_OF_TEMPLATES | {"coder_insights_user_latency_seconds"}
ACTIVITY = LATENCY | {"coder_insights_user_activity_seconds"}
PARAMETERS = ACTIVITY | {"coder_insights_parameter_workspaces"}
USERS_OF_TEMPLATES = PARAMETERS | {
    "coder_insights_template_connection_quality_users",
    "coder_insights_template_user_latency_distribution_seconds",
}
APPS = USERS_OF_TEMPLATES | {
    "coder_insights_template_app_times_used",
    "coder_insights_template_app_usage_seconds",
}
BUILDS = APPS | {"coder_insights_template_build_duration_seconds"}
TEMPLATES = SERIES.keys() - {"coder_insights_daily_active_users"}


MANY: Final = frozenset({"template_id", "user_id", "parameter_value"})
"""Labels with as many values as a company has templates, users, or choices of them."""


def list_dropped(series: Mapping[str, int], max_series: int) -> set[str]:
    """Return the names of the families to drop."""
    return {
        family.name
        for family in select_families_to_drop(
            {BY_NAME[name]: count for name, count in series.items()}, max_series
        )
    }


@pytest.mark.parametrize(
    ("ceiling", "expected"),
    [
        (252, set()),
        (251, PARAMETERS_OF_TEMPLATES),
        (192, PARAMETERS_OF_TEMPLATES),
        (191, LATENCY),
        (141, ACTIVITY),
        (101, PARAMETERS),
        (71, USERS_OF_TEMPLATES),
        (40, USERS_OF_TEMPLATES),
        (39, APPS),
        (10, APPS),
        (9, BUILDS),
        (5, BUILDS),
        (4, TEMPLATES),
        (1, TEMPLATES),
        (0, TEMPLATES),
    ],
)
def test_families_are_dropped_in_order(ceiling: int, expected: set[str]) -> None:
    """A family is dropped only if those before it are not enough; those without an order never are."""
    assert expected == list_dropped(SERIES, ceiling)


@given(st.dictionaries(st.sampled_from(sorted(SERIES)), st.integers(0, 100)), st.integers(0, 500))
def test_no_family_is_dropped_needlessly(series: Mapping[str, int], ceiling: int) -> None:
    """Dropped families have series, and the limit is exceeded only if all that can be dropped are."""
    gone = list_dropped(series, ceiling)
    rest = sum(count for name, count in series.items() if name not in gone)

    assert all(series[name] for name in gone)
    assert rest <= ceiling or gone == {name for name in series if series[name]} & TEMPLATES
    assert bool(gone) <= (sum(series.values()) > ceiling)


@pytest.mark.parametrize("name", BY_NAME)
def test_families_that_grow_with_the_company_have_an_order(name: str) -> None:
    """Series of templates, users and parameters may be dropped; those of deployments and groups never are."""
    family = BY_NAME[name]

    assert bool(MANY & set(family.labels)) == (family.drop_order is not None)


def test_order_of_zero_is_an_order() -> None:
    """A family of order 0 is dropped first."""
    first, second = (MetricFamily(name=name, help="", drop_order=order) for order, name in enumerate("ab"))

    assert {first} == select_families_to_drop({first: 1, second: 1}, 1)
