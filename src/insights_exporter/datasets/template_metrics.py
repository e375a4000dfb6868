"""The metric families of single templates, which do not add up to those of the deployment."""

from insights_exporter.datasets.aggregate import ACTIVITY_BOUNDS, LATENCY_BOUNDS
from insights_exporter.datasets.apps import APP_LABELS
from insights_exporter.datasets.parameters import PARAMETER_LABELS
from insights_exporter.exposition.family import MetricFamily

TEMPLATE_LABELS = ("organization_name", "template_name", "template_id")

_LABELS = ("deployment", "window", *TEMPLATE_LABELS)
_BREAKDOWN_OFF = (
    "templates.breakdown is off, the window is not among templates.windows, or the template is beyond"
)
_ABSENT = f"{_BREAKDOWN_OFF} templates.limit"

TEMPLATE_ACTIVE_USERS = MetricFamily(
    name="coder_insights_template_active_users",
    help="Number of distinct users of a template active in the window (API: templates report.active_users, "
    "requested for one template); cached.",
    labels=_LABELS,
    merge="none; users of several templates overlap and do not add up",
    absent=f"{_ABSENT}; a listed template without use is 0",
    example='topk(10, coder_insights_template_active_users{window="7d"})',
    drop_order=7,
)
TEMPLATE_DAILY_ACTIVE_USERS = MetricFamily(
    name="coder_insights_template_daily_active_users",
    help="Number of distinct users of a template active on the day: today so far, or yesterday (API: "
    "templates interval_reports.active_users, requested for one template); cached.",
    labels=("deployment", "day", *TEMPLATE_LABELS),
    merge="rows of the same day are summed",
    absent=f"{_ABSENT}; the template had no use in the window; for up to six days after a clock change, "
    "while the server's 24-hour steps do not fit the days; from the deployment's "
    "midnight until the next poll",
    example='coder_insights_template_daily_active_users{day="yesterday"}',
    expires_at_midnight=True,
)
TEMPLATE_APP_USAGE = MetricFamily(
    name="coder_insights_template_app_usage_seconds",
    help="Time an app was used with a template in the window, in seconds, over all users (API: templates "
    "report.apps_usage.seconds, requested for one template); cached.",
    labels=(*_LABELS, *APP_LABELS),
    merge="as coder_insights_app_usage_seconds; templates used in one half hour may add up to more than "
    "the deployment",
    absent=f"{_ABSENT}; the template had no use in the window",
    example='sum without (slug, app_type) (coder_insights_template_app_usage_seconds{window="7d"}) / 3600',
    drop_order=5,
)
TEMPLATE_APP_TIMES_USED = MetricFamily(
    name="coder_insights_template_app_times_used",
    help="Number of times an app was opened with a template in the window (API: templates "
    "report.apps_usage.times_used, requested for one template); cached.",
    labels=(*_LABELS, *APP_LABELS),
    merge="rows with the same slug are summed",
    absent="as coder_insights_app_times_used; the template had no use in the window",
    example='coder_insights_template_app_times_used{window="7d"}',
    drop_order=5,
)
TEMPLATE_PARAMETER_WORKSPACES = MetricFamily(
    name="coder_insights_template_parameter_workspaces",
    help="Number of workspaces of a template built in the window with the parameter value (API: templates "
    "report.parameters_usage.values.count, requested for one template); cached.",
    labels=(*_LABELS, *PARAMETER_LABELS),
    merge="as coder_insights_parameter_workspaces, with at most 10 values per parameter",
    absent="as coder_insights_parameter_workspaces; the template had no use in the window",
    example='coder_insights_template_parameter_workspaces{template_name="docker",window="7d"}',
    drop_order=1,
)
TEMPLATE_ACTIVITY_DISTRIBUTION = MetricFamily(
    name="coder_insights_template_user_activity_distribution_seconds",
    type="gaugehistogram",
    help="Distribution of the active time of a template's users in the window, in seconds (API: "
    "user-activity report.users.seconds, requested for one template); cached.",
    labels=_LABELS,
    bounds=ACTIVITY_BOUNDS,
    merge="every user id counts once, with the sum of its rows",
    absent="templates.users is off (the default), or the dataset user-activity is",
    example="histogram_quantile(0.5, "
    'coder_insights_template_user_activity_distribution_seconds_bucket{window="7d"})',
    stable=False,
)
TEMPLATE_LATENCY_DISTRIBUTION = MetricFamily(
    name="coder_insights_template_user_latency_distribution_seconds",
    type="gaugehistogram",
    help="Distribution of the connection latency of a template's users in the window, in seconds (API: "
    "user-latency report.users.latency_ms, requested for one template); cached.",
    labels=(*_LABELS, "percentile"),
    bounds=LATENCY_BOUNDS,
    merge="every user id counts once per percentile",
    absent="templates.users is off (the default), or the dataset user-latency is",
    example="histogram_quantile(0.9, "
    'coder_insights_template_user_latency_distribution_seconds_bucket{window="7d",percentile="p95"})',
    stable=False,
)
TEMPLATE_ACTIVITY_LEVEL = MetricFamily(
    name="coder_insights_template_activity_level_users",
    help="Number of users of a template by level of active time in the window (API: user-activity "
    "report.users.seconds, requested for one template); select one window; cached.",
    labels=(*_LABELS, "level"),
    merge="every user id counts once, with the sum of its rows",
    absent="as coder_insights_template_user_activity_distribution_seconds; a level that no user has is 0",
    example='coder_insights_template_activity_level_users{window="7d",level="over_16h"}',
    stable=False,
)
TEMPLATE_CONNECTION_QUALITY = MetricFamily(
    name="coder_insights_template_connection_quality_users",
    help="Number of users of a template by connection quality in the window: good up to 0.15 s, fair up to "
    "0.3 s, poor above (API: user-latency report.users.latency_ms, requested for one template); select one "
    "window and one percentile; cached.",
    labels=(*_LABELS, "percentile", "quality"),
    merge="every user id counts once per percentile",
    absent="as coder_insights_template_user_latency_distribution_seconds; a quality that no user has is 0",
    example='coder_insights_template_connection_quality_users{window="7d",percentile="p95",quality="poor"}',
    stable=False,
)
TEMPLATE_FAMILIES = (
    TEMPLATE_ACTIVE_USERS,
    TEMPLATE_DAILY_ACTIVE_USERS,
    TEMPLATE_APP_USAGE,
    TEMPLATE_APP_TIMES_USED,
    TEMPLATE_PARAMETER_WORKSPACES,
    TEMPLATE_ACTIVITY_DISTRIBUTION,
    TEMPLATE_LATENCY_DISTRIBUTION,
    TEMPLATE_ACTIVITY_LEVEL,
    TEMPLATE_CONNECTION_QUALITY,
)
