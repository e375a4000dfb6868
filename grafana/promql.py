"""The queries' common ground: what is selected, and how exporters are told from deployments.

`series` is how a dashboard reads a gauge: the largest value that any
exporter says, by the family's own labels and no others. Two exporters of
one deployment thus double nothing, whatever job, pod or `endpoint` they
have, and what must not be added (users over templates or days) is not.
"""

from typing import Final

SCOPE: Final = 'job=~"$job", instance=~"$instance"'
DEPLOYMENT: Final = 'deployment=~"$deployment"'
WINDOW: Final = 'window="$window"'

AT_THE_END: Final = "[2d] @ end()"
"""As it was last in the time shown, so that one choice of lines holds for the whole graph.

History ends days before the first scrape that a graph has a point of.
"""

POLL: Final = ("dataset", "window")
TEMPLATE: Final = ("organization_name", "template_name", "template_id")
GROUP: Final = ("organization_name", "group_name", "group_id")
APP: Final = ("app_type", "slug")
PARAMETER: Final = ("parameter_name", "parameter_type", "parameter_value")


def select(name: str, *matchers: str, when: str = "") -> str:
    """Return a selector of a family that has `deployment`; `when` is an offset or `AT_THE_END`."""
    selector = f"{name}{{{', '.join((SCOPE, DEPLOYMENT, *matchers))}}}"
    return f"last_over_time({selector}{when})" if when == AT_THE_END else f"{selector} {when}".rstrip()


def series(name: str, *matchers: str, by: tuple[str, ...] = (), when: str = "", agree: str = "max") -> str:
    """Return one series for each deployment and value of `by`, whichever exporter polls it.

    `agree` says whose word counts where exporters differ.
    """
    return f"{agree} by ({', '.join(('deployment', *by))}) ({select(name, *matchers, when=when)})"


def exporter(name: str, *others: str) -> str:
    """Return one series for each exporter, and value of the labels `others`."""
    return f"max by ({', '.join(('job', 'instance', *others))}) ({name}{{{SCOPE}}})"


INFO: Final = "insights_exporter_build_info"


def of_exporters(expr: str) -> str:
    """Return what of `expr` is exporters': the family is no name of ours, every program may have it."""
    return f"{expr}\nand on (job, instance)\n{INFO}{{{SCOPE}}}"


def exporters_down(up: str, info: str) -> str:
    """Return what of `up` is 0 and an exporter's, by those that gave `info` in the last week.

    A pod that never came up has an instance that was never seen, but a job that
    was. A job that covers other programs too says nothing, so there the instance
    must have been seen.
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


def count(expr: str, by: tuple[str, ...] = ()) -> str:
    """Return how many series `expr` has in each deployment, and 0 where it has none at all."""
    return f"count by ({', '.join(('deployment', *by))}) ({expr})"


def or_none(expr: str, everything: str, label: str) -> str:
    """Return `expr`, and alongside it one series at 0 for each series of `everything`, called `none`.

    A panel of failures has something to show while nothing fails.
    """
    return f'{expr}\nor\nlabel_replace(0 * {everything}, "{label}", "none", "", "")'


def one_of(expr: str, by: tuple[str, ...]) -> str:
    """Return one series of `expr` for each `by`, so that it can be joined even where exporters differ."""
    return f"topk by ({', '.join(('deployment', *by))}) (1, {expr})"


def biggest(number: int, expr: str, ranking: str, by: tuple[str, ...]) -> str:
    """Return the series of `expr` that are among the `number` largest of `ranking`."""
    labels = ", ".join(("deployment", *by))
    return f"{expr}\nand on ({labels})\ntopk by (deployment) ({number}, {ranking})"


def daily_users(day: str = "yesterday", when: str = "") -> str:
    """Return a day's distinct users."""
    return series("coder_insights_daily_active_users", f'day="{day}"', when=when)


def users_a_week_ago() -> str:
    """Return the users of this weekday a week ago up to this time; backfilled days have no such course."""
    return daily_users("today", "offset 1w")


def mean_daily_users() -> str:
    """Return the mean of the last seven whole days, of those that are known."""
    return f"(avg_over_time({daily_users()}[7d:1h]) or {daily_users()})"


def named_apps(usage: str, by: tuple[str, ...]) -> str:
    """Return `usage` with the apps' display names, or the slug where there is none.

    The label `kind` is set for the apps that templates define: an editor may
    be one of them and a session app too, as code-server is.
    """
    labels = ", ".join(("deployment", *APP))
    names = one_of(series("coder_insights_app_info", by=(*APP, "application_name")), APP)
    kept = ", ".join(("deployment", *by))
    named = (
        f"{usage} * on ({labels}) group_left (application_name) {names}\n"
        f"or on ({kept})\n"
        f'label_replace({usage}, "application_name", "$1", "slug", "(.*)")'
    )
    return f'label_replace({named}, "kind", " (app)", "app_type", "app")'


LATENCY: Final = "coder_insights_user_latency_distribution_seconds_bucket"
TEMPLATE_LATENCY: Final = "coder_insights_template_user_latency_distribution_seconds_bucket"


QUALITY: Final = "coder_insights_connection_quality_users"
TEMPLATE_QUALITY: Final = "coder_insights_template_connection_quality_users"
GROUP_QUALITY: Final = "coder_insights_group_connection_quality_users"


def measured_users(
    percentile: str, family: str = QUALITY, by: tuple[str, ...] = (), quality: str = ".+"
) -> str:
    """Return the number of users with a latency, or of those whose connection is of some quality.

    The bands of a family have no user in common, so they add up.
    """
    matchers = (WINDOW, f'percentile="{percentile}"', f'quality=~"{quality}"')
    return f"sum by ({', '.join(('deployment', *by))}) ({series(family, *matchers, by=(*by, 'quality'))})"


def share_of(quality: str, percentile: str, family: str = QUALITY, by: tuple[str, ...] = ()) -> str:
    """Return the share of users whose connection is of a quality, such as `fair|poor`."""
    users = measured_users(percentile, family, by, quality)
    return f"{users} / ({measured_users(percentile, family, by)} > 0)"


def over_users(
    quantile: float, percentile: str = "p50", family: str = LATENCY, by: tuple[str, ...] = (), when: str = ""
) -> str:
    """Return the latency that `quantile` of the users do not exceed; nothing where no user was measured."""
    buckets = series(family, WINDOW, f'percentile="{percentile}"', by=(*by, "le"), when=when)
    return f"histogram_quantile({quantile}, {buckets}) >= 0"
