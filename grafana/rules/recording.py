"""The recorded series: one value a deployment, however many exporters poll it.

A series keeps the labels that tell whose it is and those its name begins
with. What else a scrape adds (pod, node, version) goes: a second exporter (an
upgrade, a mistake) doubles nothing, and a week later the series is the same.
"""

from typing import Final

from grafana import thresholds
from grafana.rules.model import Group, Recording

POLL_SUCCESS: Final = "deployment_dataset_window:insights_exporter_poll_success:max"
ANY_POLL_SUCCESS: Final = "deployment:insights_exporter_poll_success:max"
LAST_SUCCESS: Final = "deployment_dataset_window:insights_exporter_last_success_timestamp_seconds:max"
POLL_INTERVAL: Final = "deployment_dataset_window:insights_exporter_poll_interval_seconds:max"
MAX_AGE: Final = "deployment_dataset_window:insights_exporter_max_age_seconds:max"
SERIES_DROPPED: Final = "deployment_dataset_window:insights_exporter_series_dropped:max"
TOKEN_REST: Final = "deployment:insights_exporter_token_rest:ratio_min"  # noqa: S105  a metric's name
REQUESTS_LEFT: Final = "deployment_dataset:insights_exporter_rate_limit_remaining:min"
DAILY_USERS: Final = "deployment_day:coder_insights_daily_active_users:max"
DAY_START: Final = "deployment_day:coder_insights_day_start_timestamp_seconds:max"
WEEKDAY: Final = "deployment_day:coder_insights_day_start_timestamp_seconds:weekday"
MEASURED_USERS: Final = "deployment_window_percentile:coder_insights_users_with_latency:max"
USERS_ABOVE_POOR: Final = "deployment_window_percentile:coder_insights_users_above_300ms:ratio"

LATENCY_BUCKET: Final = "coder_insights_user_latency_distribution_seconds_bucket"

NOON_ANYWHERE: Final = 13 * 3600
"""Added to a day's first second, gives an instant of that date in UTC for zones from -10:00 to +13:00."""


WHOSE: Final = ("cluster", "namespace", "job", "deployment")
"""Whose series it is: the first two are there where a scrape or an external label adds them."""

POLL: Final = ("dataset", "window")


def once(expr: str, *by: str, operation: str = "max") -> str:
    """Give what all exporters of a deployment say as one series for each value of the labels `by`."""
    return f"{operation} by ({', '.join((*WHOSE, *by))}) ({expr})"


def _users(limit: str) -> str:
    """Give how many users have a latency of at most `limit` seconds."""
    return once(f'{LATENCY_BUCKET}{{le="{limit}"}}', "window", "percentile")


def _above(limit: float) -> str:
    """Give the share of users whose latency is above `limit` seconds."""
    return f"1 - {_users(str(limit))} / ({MEASURED_USERS} > 0)"


REST: Final = """
  (insights_exporter_token_expiry_timestamp_seconds - time())
  / (insights_exporter_token_lifetime_seconds > 0)
"""

RECORDINGS: Final = (
    Recording(POLL_SUCCESS, once("insights_exporter_poll_success", *POLL)),
    Recording(ANY_POLL_SUCCESS, once(POLL_SUCCESS)),
    Recording(LAST_SUCCESS, once("insights_exporter_last_success_timestamp_seconds", *POLL)),
    Recording(POLL_INTERVAL, once("insights_exporter_poll_interval_seconds", *POLL)),
    Recording(MAX_AGE, once("insights_exporter_max_age_seconds", *POLL)),
    Recording(SERIES_DROPPED, once("insights_exporter_series_dropped", *POLL)),
    Recording(TOKEN_REST, once(REST, operation="min")),
    Recording(REQUESTS_LEFT, once("insights_exporter_rate_limit_remaining", "dataset", operation="min")),
    Recording(DAILY_USERS, once("coder_insights_daily_active_users", "day")),
    Recording(DAY_START, once("coder_insights_day_start_timestamp_seconds", "day")),
    Recording(WEEKDAY, f"day_of_week({DAY_START} + {NOON_ANYWHERE})"),
    Recording(MEASURED_USERS, _users("+Inf")),
    Recording(USERS_ABOVE_POOR, _above(thresholds.LATENCY_POOR)),
)

GROUP: Final = Group("insights-exporter.recording", RECORDINGS)
