"""The recorded series: one value per deployment, however many exporters poll it.

A series keeps the labels that identify the deployment and those in the first part
of its name. Other labels that a scrape adds (pod, node, version) are dropped, so a
second exporter (an upgrade, a mistake) is not counted twice, and an upgrade starts
no new series.
"""

from typing import Final

from grafana import thresholds
from grafana.promql import INFO
from grafana.rules.model import Group, Recording

POLL_SUCCESS: Final = "deployment_dataset_window:insights_exporter_poll_success:max"
ANY_POLL_SUCCESS: Final = "deployment:insights_exporter_poll_success:max"
LAST_SUCCESS: Final = "deployment_dataset_window:insights_exporter_last_success_timestamp_seconds:max"
ANY_LAST_SUCCESS: Final = "deployment:insights_exporter_last_success_timestamp_seconds:max"
POLL_INTERVAL: Final = "deployment_dataset_window:insights_exporter_poll_interval_seconds:max"
MAX_AGE: Final = "deployment_dataset_window:insights_exporter_max_age_seconds:max"
RECENT_FAILURES: Final = "deployment_dataset_reason:insights_exporter_request_failures:recent"
REFUSED: Final = "deployment_dataset:insights_exporter_request_failures:refused"
NOT_POLLED: Final = "deployment:insights_exporter_seconds_since_success:not_polled"
SERIES_DROPPED: Final = "deployment_dataset_window:insights_exporter_series_dropped:max"
ROWS_INVALID: Final = "deployment_dataset:insights_exporter_rows_invalid:per_hour"
TOKEN_REMAINING: Final = "deployment:insights_exporter_token_remaining_seconds:min"  # noqa: S105  a metric's name
TOKEN_SHARE: Final = "deployment:insights_exporter_token_remaining:ratio_min"  # noqa: S105  as above
REQUESTS_LEFT: Final = "deployment_dataset:insights_exporter_rate_limit_remaining:min"
EXPORTERS: Final = "job:insights_exporter_build_info:count"
DAILY_USERS: Final = "deployment_day:coder_insights_daily_active_users:max"
DAY_START: Final = "deployment_day:coder_insights_day_start_timestamp_seconds:max"
SEATS_USED: Final = "deployment_feature:coder_insights_license_seats_used:max"
SEATS_LIMIT: Final = "deployment_feature:coder_insights_license_seats_limit:max"
LICENSE_STATUS: Final = "deployment_status:coder_insights_license_status:max"
WEEKDAY: Final = "deployment_day:coder_insights_day_start_timestamp_seconds:weekday"
MEASURED_USERS: Final = "deployment_window_percentile:coder_insights_users_with_latency:max"
USERS_ABOVE_POOR: Final = "deployment_window_percentile:coder_insights_users_above_300ms:ratio"

QUALITY: Final = "coder_insights_connection_quality_users"
FAILURES: Final = "insights_exporter_request_failures_total"

NOON_ANYWHERE: Final = 13 * 3600
"""Seconds after the start of a day that are on the same date in UTC, for zones from -10:00 to +13:00."""

JOB_LABELS: Final = ("cluster", "namespace", "job")
"""Labels that identify exporters; the first two only exist if a scrape or external labels add them."""

DEPLOYMENT_LABELS: Final = (*JOB_LABELS, "deployment")
"""Labels that identify a deployment."""

POLL: Final = ("dataset", "window")

WITH_TOKEN: Final = '{dataset!="license"}'  # noqa: S105  PromQL
"""Selects the datasets that Coder serves to a valid token only: their success means that it is valid."""

REFUSALS: Final = "forbidden|not_permitted"
"""Reasons for which Coder denies a dataset to a valid token."""


def match_on(*labels: str) -> str:
    """Return a vector match on the labels of a deployment and `labels`."""
    return f"on ({', '.join((*DEPLOYMENT_LABELS, *labels))})"


def deduplicate(expr: str, *by: str, operation: str = "max") -> str:
    """Return the values of all exporters of a deployment as one series per value of the labels `by`."""
    return f"{operation} by ({', '.join((*DEPLOYMENT_LABELS, *by))}) ({expr})"


def compute_age(last_success: str) -> str:
    """Return the seconds since the last success, +Inf if there was none."""
    return f"(time() - {last_success}) / ({last_success} > bool 0)"


def _select_failures_since(ago: str) -> str:
    """Return the failures that were counted since `ago`; a counter may start above 0."""
    new = f"\n  {FAILURES}\n  unless\n  {FAILURES} == {FAILURES} offset {ago}\n"
    return f"{deduplicate(new, 'dataset', 'reason', operation='sum')} > 0"


_RECENT_FAILURES: Final = f"""\
{_select_failures_since(thresholds.FAILED_LATELY)}
or
{_select_failures_since(thresholds.FAILED_RARELY_POLLED)}
and {match_on("dataset")}
{deduplicate(POLL_INTERVAL, "dataset")} > {thresholds.RARELY_POLLED}"""


def _select_without_success_since(last: str, *labels: str) -> str:
    """Return the deployments and `labels` where a poll fails and none has succeeded since it began to fail.

    A poll that fails began to fail at most one interval after its last success.
    """
    return deduplicate(
        f"\n  {LAST_SUCCESS} + {POLL_INTERVAL} >= {match_on(*labels)} group_left () {last}\n"
        f"  and\n  {POLL_SUCCESS} == 0\n",
        *labels,
        operation="group",
    )


_REFUSED: Final = f"""\
{_select_without_success_since(deduplicate(LAST_SUCCESS, "dataset"), "dataset")}
and
{deduplicate(f'{RECENT_FAILURES}{{reason=~"{REFUSALS}"}}', "dataset")}"""

FAILING_DATASETS: Final = f"""\
count by ({", ".join(DEPLOYMENT_LABELS)}) (
  {deduplicate(POLL_SUCCESS, "dataset", operation="min")} == 0
  and {match_on("dataset")}
  {RECENT_FAILURES}
)"""
REFUSED_DATASETS: Final = f"count by ({', '.join(DEPLOYMENT_LABELS)}) ({REFUSED})"

_NOT_POLLED: Final = f"""\
{compute_age(ANY_LAST_SUCCESS)}
and
(
  {ANY_POLL_SUCCESS} == 0
  or
  time() - {ANY_LAST_SUCCESS} > {thresholds.MISSED_POLLS} * {deduplicate(POLL_INTERVAL, operation="min")}
  and
  {_select_without_success_since(ANY_LAST_SUCCESS)}
)
unless
{FAILING_DATASETS} <= {REFUSED_DATASETS}"""

TOKEN_REMAINING_OF_EXPORTER: Final = "insights_exporter_token_expiry_timestamp_seconds - time()"  # noqa: S105  PromQL

RECORDINGS: Final = (
    Recording(EXPORTERS, f"count by ({', '.join(JOB_LABELS)}) ({INFO})"),
    Recording(POLL_SUCCESS, deduplicate("insights_exporter_poll_success", *POLL)),
    Recording(ANY_POLL_SUCCESS, deduplicate(POLL_SUCCESS + WITH_TOKEN)),
    Recording(LAST_SUCCESS, deduplicate("insights_exporter_last_success_timestamp_seconds", *POLL)),
    Recording(ANY_LAST_SUCCESS, deduplicate(LAST_SUCCESS + WITH_TOKEN)),
    Recording(POLL_INTERVAL, deduplicate("insights_exporter_poll_interval_seconds", *POLL)),
    Recording(MAX_AGE, deduplicate("insights_exporter_max_age_seconds", *POLL)),
    Recording(RECENT_FAILURES, _RECENT_FAILURES),
    Recording(REFUSED, _REFUSED),
    Recording(NOT_POLLED, _NOT_POLLED),
    Recording(SERIES_DROPPED, deduplicate("insights_exporter_series_dropped", *POLL)),
    Recording(
        ROWS_INVALID,
        deduplicate("rate(insights_exporter_rows_invalid_total[2h]) * 3600", "dataset", operation="sum"),
    ),
    Recording(TOKEN_REMAINING, deduplicate(TOKEN_REMAINING_OF_EXPORTER, operation="min")),
    Recording(
        TOKEN_SHARE,
        deduplicate(
            f"({TOKEN_REMAINING_OF_EXPORTER}) / (insights_exporter_token_lifetime_seconds > 0)",
            operation="min",
        ),
    ),
    Recording(
        REQUESTS_LEFT, deduplicate("insights_exporter_rate_limit_remaining", "dataset", operation="min")
    ),
)

USAGE_RECORDINGS: Final = (
    Recording(DAILY_USERS, deduplicate("coder_insights_daily_active_users", "day")),
    Recording(DAY_START, deduplicate("coder_insights_day_start_timestamp_seconds", "day")),
    Recording(SEATS_USED, deduplicate("coder_insights_license_seats_used", "feature")),
    Recording(SEATS_LIMIT, deduplicate("coder_insights_license_seats_limit", "feature")),
    Recording(LICENSE_STATUS, deduplicate("coder_insights_license_status", "status")),
    Recording(WEEKDAY, f"day_of_week({DAY_START} + {NOON_ANYWHERE})"),
    Recording(
        MEASURED_USERS,
        deduplicate(
            deduplicate(QUALITY, "window", "percentile", "quality"), "window", "percentile", operation="sum"
        ),
    ),
    Recording(
        USERS_ABOVE_POOR,
        f'{deduplicate(f"""{QUALITY}{{quality="poor"}}""", "window", "percentile")} / ({MEASURED_USERS} > 0)',
    ),
)

GROUPS: Final = (
    Group("insights-exporter.recording", RECORDINGS),
    Group("insights-exporter.usage-recording", USAGE_RECORDINGS),
)
"""Two groups, because Mimir accepts at most 20 rules in one."""
