"""PromQL that several dashboards share: selectors, aggregations and joins.

Dashboards read gauges with `select_series`: the largest value of all exporters, by
the family's own labels only. So two exporters of a deployment are not counted
twice, whatever their job, pod or `endpoint`, and values that must not be added
(users across templates or days) are not.
"""

from typing import Final

SCOPE: Final = 'job=~"$job", instance=~"$instance"'
DEPLOYMENT: Final = 'deployment=~"$deployment"'
WINDOW: Final = 'window="$window"'

AT_THE_END: Final = "[2d] @ end()"
"""The last value in the time range, so that the selected lines are the same for the whole graph.

Two days, because backfilled history may end days before the first scrape.
"""

POLL: Final = ("dataset", "window")
TEMPLATE: Final = ("organization_name", "template_name", "template_id")
GROUP: Final = ("organization_name", "group_name", "group_id")
APP: Final = ("app_type", "slug")
PARAMETER: Final = ("parameter_name", "parameter_type", "parameter_value")


def build_selector(name: str, *matchers: str, when: str = "") -> str:
    """Return a selector of a family that has `deployment`; `when` is an offset or `AT_THE_END`."""
    selector = f"{name}{{{', '.join((SCOPE, DEPLOYMENT, *matchers))}}}"
    return f"last_over_time({selector}{when})" if when == AT_THE_END else f"{selector} {when}".rstrip()


def select_series(
    name: str, *matchers: str, by: tuple[str, ...] = (), when: str = "", aggregation: str = "max"
) -> str:
    """Return one series for each deployment and value of `by`, aggregated over all exporters.

    `aggregation` is the aggregation for exporters whose values differ.
    """
    return (
        f"{aggregation} by ({', '.join(('deployment', *by))}) ({build_selector(name, *matchers, when=when)})"
    )


def select_exporters(name: str, *others: str) -> str:
    """Return one series for each exporter and value of the labels `others`."""
    return f"max by ({', '.join(('job', 'instance', *others))}) ({name}{{{SCOPE}}})"


INFO: Final = "insights_exporter_build_info"


def filter_exporters(expr: str) -> str:
    """Return the series of `expr` that belong to exporters; for families that other programs have too."""
    return f"{expr}\nand on (job, instance)\n{INFO}{{{SCOPE}}}"


def select_down_exporters(up: str, info: str) -> str:
    """Return the series of `up` that are 0 and belong to exporters, which exposed `info` in the last week.

    The instance of a pod that never started is unknown, so its job identifies it as an
    exporter. In a job that includes other programs, the instance itself must have
    exposed `info`.
    """
    seen = f"present_over_time({info}[1w])"
    return f"""\
(
  ({up} == 0 and on (job) {seen})
  unless on (job)
  ({up} == 1 unless on (job, instance) {info})
)
or
({up} == 0 and on (job, instance) {seen})"""


def count_series(expr: str, by: tuple[str, ...] = ()) -> str:
    """Return the number of series of `expr` per deployment; none for a deployment without any."""
    return f"count by ({', '.join(('deployment', *by))}) ({expr})"


def add_none(expr: str, everything: str, label: str) -> str:
    """Return `expr` and a series `none` with value 0 for each series of `everything`.

    This way, a panel of failures has data even if nothing fails.
    """
    return f'{expr}\nor\nlabel_replace(0 * {everything}, "{label}", "none", "", "")'


def pick_one(expr: str, by: tuple[str, ...]) -> str:
    """Return one series of `expr` for each `by`, so that joins work even if exporters differ."""
    return f"topk by ({', '.join(('deployment', *by))}) (1, {expr})"


MAX_LINES: Final = 8
"""Lines of a graph: Grafana's palette has two kinds of green and yellow from the ninth on."""


def filter_largest(expr: str, ranking: str, by: tuple[str, ...]) -> str:
    """Return the series of `expr` that are among the largest of `ranking`, as many as a graph has lines."""
    labels = ", ".join(("deployment", *by))
    return f"{expr}\nand on ({labels})\ntopk by (deployment) ({MAX_LINES}, {ranking})"


def select_daily_users(day: str = "yesterday", when: str = "") -> str:
    """Return the number of distinct users of a day."""
    return select_series("coder_insights_daily_active_users", f'day="{day}"', when=when)


def select_users_a_week_ago() -> str:
    """Return the users of this day a week ago up to the same time; backfilled days have no such values."""
    return select_daily_users("today", "offset 1w")


def average_daily_users() -> str:
    """Return the mean daily users of the last seven whole days that have data."""
    return f"(avg_over_time({select_daily_users()}[7d:1h]) or {select_daily_users()})"


def join_app_names(usage: str, by: tuple[str, ...]) -> str:
    """Return `usage` with the apps' display names, or the slug for apps without one.

    The label `kind` is set for apps that templates define, because an editor may be
    both such an app and a session app, as code-server is.
    """
    labels = ", ".join(("deployment", *APP))
    names = pick_one(select_series("coder_insights_app_info", by=(*APP, "application_name")), APP)
    kept = ", ".join(("deployment", *by))
    named = (
        f"{usage} * on ({labels}) group_left (application_name) {names}\n"
        f"or on ({kept})\n"
        f'label_replace({usage}, "application_name", "$1", "slug", "(.*)")'
    )
    return f'label_replace({named}, "kind", " (app)", "app_type", "app")'


TEMPLATE_LEGEND: Final = "{{title}}"


def add_template_titles(expr: str) -> str:
    """Return `expr` with the label `title`: organization and template.

    The organization of a deleted template is unknown; its title is the template alone.
    """
    joined = f'label_join({expr}, "title", "/", "organization_name", "template_name")'
    return f'label_replace({joined}, "title", "$1", "title", "/(.*)")'


LATENCY: Final = "coder_insights_user_latency_distribution_seconds_bucket"
TEMPLATE_LATENCY: Final = "coder_insights_template_user_latency_distribution_seconds_bucket"

QUALITY: Final = "coder_insights_connection_quality_users"
TEMPLATE_QUALITY: Final = "coder_insights_template_connection_quality_users"
GROUP_QUALITY: Final = "coder_insights_group_connection_quality_users"


def count_measured_users(
    percentile: str, family: str = QUALITY, by: tuple[str, ...] = (), quality: str = ".+"
) -> str:
    """Return the number of users with a measured latency whose connection is of `quality`.

    Each user is in one quality, so the counts can be added.
    """
    matchers = (WINDOW, f'percentile="{percentile}"', f'quality=~"{quality}"')
    return (
        f"sum by ({', '.join(('deployment', *by))}) ({select_series(family, *matchers, by=(*by, 'quality'))})"
    )


def compute_quality_share(
    quality: str, percentile: str, family: str = QUALITY, by: tuple[str, ...] = ()
) -> str:
    """Return the share of users whose connection is of a quality, such as `fair|poor`."""
    users = count_measured_users(percentile, family, by, quality)
    return f"{users} / ({count_measured_users(percentile, family, by)} > 0)"


def compute_latency_quantile(
    quantile: float, percentile: str = "p50", family: str = LATENCY, by: tuple[str, ...] = (), when: str = ""
) -> str:
    """Return the latency that `quantile` of the users do not exceed; no series without measured users."""
    buckets = select_series(family, WINDOW, f'percentile="{percentile}"', by=(*by, "le"), when=when)
    return f"histogram_quantile({quantile}, {buckets}) >= 0"
