"""The expected number of series of each query, counted in the exposition without PromQL."""

from collections.abc import Callable, Mapping, Sequence

from grafana.promql import MAX_LINES
from tests.grafana.sample_series import Series

Count = Callable[[Sequence[Series]], int]
"""Gives a number of series from the page of one deployment."""

TEMPLATE = ("organization_name", "template_name", "template_id")
APP = ("app_type", "slug")
PARAMETER = ("parameter_name", "parameter_type", "parameter_value")
POLL = ("dataset", "window")


def count_distinct(name: str, *by: str, at_most: int | None = None, **matching: str) -> Count:
    """Count the values of the labels `by` among series whose other labels match."""

    def count(page: Sequence[Series]) -> int:
        labels = [series.labels for series in page if series.name == name]
        chosen = [one for one in labels if all(one.get(key) == value for key, value in matching.items())]
        return min(len({tuple(one.get(key) for key in by) for one in chosen}), at_most or len(chosen))

    return count


def expect_exactly(number: int) -> Count:
    """Count a fixed number."""
    return lambda _: number


ONE = expect_exactly(1)

SHARES = (ONE, ONE, ONE)
TEMPLATES = count_distinct("coder_insights_template_active_users", *TEMPLATE, window="7d")
TEMPLATE_DAYS = count_distinct("coder_insights_template_daily_active_users", *TEMPLATE, day="yesterday")
APPS = count_distinct("coder_insights_app_usage_seconds", *APP, window="7d", at_most=10)
APPS_COUNTED = count_distinct("coder_insights_app_times_used", *APP, window="7d", at_most=10)
TEMPLATE_APPS = count_distinct("coder_insights_template_app_usage_seconds", *TEMPLATE, *APP, window="7d")
TEMPLATE_APPS_COUNTED = count_distinct("coder_insights_template_app_times_used", *TEMPLATE, *APP, window="7d")
CHOICES = count_distinct("coder_insights_parameter_workspaces", *PARAMETER, window="7d")
TEMPLATE_CHOICES = count_distinct(
    "coder_insights_template_parameter_workspaces", *TEMPLATE, *PARAMETER, window="7d"
)
START_BUILDS = count_distinct("coder_insights_template_build_duration_seconds", *TEMPLATE, transition="start")
STOP_BUILDS = count_distinct("coder_insights_template_build_duration_seconds", *TEMPLATE, transition="stop")
STATUSES = count_distinct("coder_insights_users", "status")
SLOWEST = count_distinct(
    "coder_insights_user_latency_seconds", "user_id", window="7d", percentile="p95", at_most=25
)
GROUP = ("organization_name", "group_name", "group_id")
GROUPS = count_distinct("coder_insights_group_members", *GROUP)
ACTIVE_GROUPS = count_distinct("coder_insights_group_active_users", *GROUP, window="7d")
MEASURED_GROUPS = count_distinct(
    "coder_insights_group_connection_quality_users", *GROUP, window="7d", percentile="p50"
)
MOST_ACTIVE = count_distinct("coder_insights_user_activity_seconds", "user_id", window="7d", at_most=25)
ACTIVITY_BOUNDS = count_distinct("coder_insights_user_activity_distribution_seconds_bucket", "le")
BOUNDS = count_distinct("coder_insights_user_latency_distribution_seconds_bucket", "le")
MEASURED_TEMPLATES = count_distinct(
    "coder_insights_template_user_latency_distribution_seconds_bucket", *TEMPLATE, window="7d"
)
POLLS = count_distinct("insights_exporter_poll_success", *POLL)
DATASETS = count_distinct("insights_exporter_requests_total", "dataset")
LIMITED = count_distinct("insights_exporter_rate_limit_remaining", "dataset")
AVAILABLE = count_distinct("insights_exporter_dataset_available", "dataset", "reason")


def limit_to_lines(count: Count) -> Count:
    """Count no more than the lines of a graph."""
    return lambda page: min(count(page), MAX_LINES)


EXPECTED: Mapping[str, Mapping[str, tuple[Count, ...]]] = {
    "adoption": {
        "Deployments side by side": (ONE,) * 5,
        "Today so far": (ONE,),
        "Against last week": (ONE,),
        "Yesterday": (ONE,),
        "Last week": (ONE,),
        "Weekly growth": (ONE,),
        "Last month": (ONE,),
        "Monthly growth": (ONE,),
        "Stickiness": (ONE,),
        "Daily users": (ONE, ONE),
        "Today against the same weekday": (ONE, ONE),
        "Users in the window, over time": (ONE,),
        "Stickiness over time": (ONE, ONE),
        "Accounts by status": (STATUSES,),
        "Users by template": (TEMPLATES,),
        "Daily users by template": (limit_to_lines(TEMPLATE_DAYS),),
        "Hours by app": (APPS,),
        "Hours by app, over time": (limit_to_lines(APPS),),
        "Times used": (APPS_COUNTED,),
    },
    "templates": {
        "Templates in use": (ONE,),
        "Templates without users": (ONE,),
        "Deprecated and in use": (ONE,),
        "Parameters": (ONE,),
        "Templates": (TEMPLATES,),
        "Daily users": (limit_to_lines(TEMPLATE_DAYS),),
        "Build times": (START_BUILDS, START_BUILDS, STOP_BUILDS),
        "Users in the window, over time": (limit_to_lines(TEMPLATES),),
        "Apps by template": (TEMPLATE_APPS, TEMPLATE_APPS_COUNTED),
        "Hours by app, over time": (limit_to_lines(TEMPLATE_APPS),),
        "Parameter choices by template": (TEMPLATE_CHOICES,),
        "Parameter choices of all templates": (CHOICES,),
        "Parameter choices over time": (limit_to_lines(CHOICES),),
    },
    "connection": {
        "Above 300 ms": (ONE,),
        "Above 150 ms": (ONE,),
        "Sometimes above 300 ms": (ONE,),
        "Median user": (ONE,),
        "90th percentile user": (ONE,),
        "Users measured": (ONE,),
        "Share of users above the limits": SHARES,
        "Latency across users": (ONE,) * 4,
        "Users by latency": (BOUNDS,),
        "Users by connection quality, over time": SHARES,
        "Slowest connections": (SLOWEST, SLOWEST),
        "Connection quality by template": (MEASURED_TEMPLATES,) * 4,
        "Latency by template, over time": (limit_to_lines(MEASURED_TEMPLATES),),
    },
    "users": {
        "Active users": (ONE,),
        "Median user": (ONE,),
        "90th percentile user": (ONE,),
        "Up to 1 hour": (ONE,),
        "Over 16 hours": (ONE,),
        "Users by activity": (ACTIVITY_BOUNDS,),
        "Users by activity, over time": (ONE,) * 4,
        "Activity of a user, over time": (ONE, ONE),
        "Most active users": (MOST_ACTIVE,),
        "Groups": (GROUPS, ACTIVE_GROUPS, ACTIVE_GROUPS, ACTIVE_GROUPS, ACTIVE_GROUPS, MEASURED_GROUPS),
        "Active users by group, over time": (limit_to_lines(ACTIVE_GROUPS),),
        "License": (ONE,),
        "License seats used": (ONE,),
        "License seats left": (ONE,),
        "License seats": (ONE,) * 4,
        "Agent runtime": (ONE,) * 4,
    },
    "health": {
        "Exporters down": (ONE,),
        "Deployments": (ONE,),
        "Polls failing now": (ONE,),
        "Oldest data": (ONE,),
        "Unavailable datasets": (ONE,),
        "Lowest token lifetime remaining": (ONE,),
        "Lowest rate-limit budget": (ONE,),
        "Series served": (ONE,),
        "Datasets": (POLLS,) * 8,
        "Age of the data": (POLLS,),
        "Failing polls": (ONE,),
        "Failed requests by reason": (ONE,),
        "Requests per minute": (DATASETS,),
        "Response time, 90th percentile": (DATASETS,),
        "Invalid rows": (ONE,),
        "Datasets by server": (AVAILABLE,),
        "Rate limit": (LIMITED,),
        "Token lifetime remaining": (ONE,),
        "Series by dataset": (DATASETS,),
        "Aggregated and dropped series": (DATASETS, ONE),
        "Config": (ONE,),
        "Exporters": (ONE,),
        "Coder servers": (ONE,),
        "Memory": (ONE,),
        "CPU": (ONE,),
        "Scrape": (ONE,),
    },
}
"""What each query of each panel gives for one deployment and one exporter."""
