"""For each family, the series that it must have, by the name of its samples."""

from collections.abc import Callable, Mapping

from tests.end_to_end.families import (
    TEMPLATES,
    USERS_ACTIVITY,
    USERS_LATENCY,
    active_members,
    activity,
    agent_runtime,
    agent_runtime_limits,
    app_names,
    build_durations,
    by_group,
    by_template,
    echoes,
    group_members,
    latency,
    levels,
    license_statuses,
    member_qualities,
    member_seconds,
    named_users,
    qualities,
    seats,
    statuses,
    template_choices,
    template_days,
    template_infos,
    template_users,
    user_latencies,
    user_seconds,
    version,
)
from tests.end_to_end.truth import (
    Series,
    Truth,
    app_seconds,
    app_uses,
    choices,
    day_starts,
    days,
    months,
    series,
    weeks,
    windowed,
)


def distributions(
    name: str, make: Callable[[str], Callable[[Truth], Series]]
) -> dict[str, Callable[[Truth], Series]]:
    """Return the three parts of a distribution's samples."""
    return {f"{name}_{part}": make(part) for part in ("bucket", "gcount", "gsum")}


TRUE_SERIES: Mapping[str, Callable[[Truth], Series]] = {
    "coder_insights_daily_active_users": days,
    "coder_insights_day_start_timestamp_seconds": day_starts,
    "coder_insights_weekly_active_users": weeks,
    "coder_insights_monthly_active_users": months,
    "coder_insights_active_users": windowed(TEMPLATES, lambda report: [({}, report["active_users"])]),
    "coder_insights_app_usage_seconds": windowed(TEMPLATES, app_seconds),
    "coder_insights_app_times_used": windowed(TEMPLATES, app_uses),
    "coder_insights_app_info": app_names,
    "coder_insights_parameter_workspaces": lambda truth: series(
        ({"window": "7d", **labels}, value) for labels, value in choices(truth.window(TEMPLATES, 7)["report"])
    ),
    "coder_insights_template_active_users": template_users,
    "coder_insights_template_daily_active_users": template_days,
    "coder_insights_template_app_usage_seconds": by_template(TEMPLATES, app_seconds),
    "coder_insights_template_app_times_used": by_template(TEMPLATES, app_uses),
    "coder_insights_template_parameter_workspaces": template_choices,
    "coder_insights_template_info": template_infos,
    "coder_insights_template_build_duration_seconds": build_durations,
    "coder_insights_group_members": group_members,
    "coder_insights_group_active_users": by_group(USERS_ACTIVITY, active_members),
    "coder_insights_group_activity_seconds": by_group(USERS_ACTIVITY, member_seconds),
    "coder_insights_group_connection_quality_users": by_group(USERS_LATENCY, member_qualities),
    "coder_insights_license_seats_used": seats("actual"),
    "coder_insights_license_seats_limit": seats("limit"),
    "coder_insights_license_agent_runtime_seconds": agent_runtime,
    "coder_insights_license_agent_runtime_limit_seconds": agent_runtime_limits,
    "coder_insights_license_status": license_statuses,
    "coder_insights_activity_level_users": windowed(USERS_ACTIVITY, levels),
    "coder_insights_connection_quality_users": windowed(USERS_LATENCY, qualities),
    "coder_insights_template_activity_level_users": by_template(USERS_ACTIVITY, levels),
    "coder_insights_template_connection_quality_users": by_template(USERS_LATENCY, qualities),
    "coder_insights_user_activity_seconds": named_users(USERS_ACTIVITY, user_seconds),
    "coder_insights_user_latency_seconds": named_users(USERS_LATENCY, user_latencies),
    "coder_insights_users": statuses,
    "coder_insights_window_start_timestamp_seconds": echoes("start_time"),
    "coder_insights_window_end_timestamp_seconds": echoes("end_time"),
    "coder_insights_build_info": version,
    **distributions(
        "coder_insights_user_activity_distribution_seconds",
        lambda part: windowed(USERS_ACTIVITY, activity(part)),
    ),
    **distributions(
        "coder_insights_user_latency_distribution_seconds",
        lambda part: windowed(USERS_LATENCY, latency(part)),
    ),
    **distributions(
        "coder_insights_template_user_activity_distribution_seconds",
        lambda part: by_template(USERS_ACTIVITY, activity(part)),
    ),
    **distributions(
        "coder_insights_template_user_latency_distribution_seconds",
        lambda part: by_template(USERS_LATENCY, latency(part)),
    ),
}
QUERIES: Mapping[str, str] = {
    "coder_insights_template_parameter_workspaces": "sum without (parameter_value) (%s)",
}
"""Queries of families that are not selected by their name only."""
