"""Alerts about the exporter: whether it runs, has access, and serves fresh data.

A cause suppresses its consequences: an exporter that is down is the only alert
about its deployments, a deployment that cannot be polled the only one about its
datasets, a missing role the only one about the datasets it hides.
"""

from textwrap import indent
from typing import Final

from grafana import project, thresholds
from grafana.promql import INFO, select_down_exporters
from grafana.rules import recording
from grafana.rules.model import Alert, Group, label_threshold
from grafana.rules.recording import JOB_LABELS, deduplicate

ON_JOB: Final = f"on ({', '.join(JOB_LABELS)})"
ON_DEPLOYMENT: Final = recording.match_on()
ON_DATASET: Final = recording.match_on("dataset")

# A job has fewer exporters than usual, none of its targets is down, and no other job polls its deployments.
# If only a deployment is missing and all exporters are present, it was removed from the config. Datasets that
# a server does not support have no poll_success.
VANISHED: Final = f"""\
(
  group by ({", ".join(JOB_LABELS)}) (
    present_over_time({recording.ANY_POLL_SUCCESS}[1d])
    unless on (cluster, deployment)
    {recording.ANY_POLL_SUCCESS}
    unless on (cluster, deployment)
    insights_exporter_dataset_available
  )
  unless {ON_JOB}
  {recording.EXPORTERS} >= quantile_over_time(0.5, {recording.EXPORTERS}[1d])
  unless {ON_JOB}
  up == 0
)"""

DOWN: Final = f"{select_down_exporters('up', INFO)}\nor\n{VANISHED}\nor on ()\nabsent({INFO})"

DEPLOYMENT: Final = "{{ $labels.deployment }}"

_OF_DEPLOYMENT: Final = "cluster=%q, namespace=%q, job=%q, deployment=%q"
_LABELS: Final = "$labels.cluster $labels.namespace $labels.job $labels.deployment"


def _list_label_values(
    series: str, label: str, matchers: str = "", arguments: str = "", none: str = ""
) -> str:
    """Return a template that lists the values of a label of an alert's deployment."""
    query = f"group by ({label}) ({series}{{{_OF_DEPLOYMENT}{matchers}}})"
    found = f'printf "{query}" {_LABELS}{arguments} | query | sortByLabel "{label}"'
    listed = f"{{{{ if $i }}}}, {{{{ end }}}}{{{{ .Labels.{label} }}}}"
    return f"{{{{ range $i, $_ := {found} }}}}{listed}{{{{ else }}}}{none}{{{{ end }}}}"


UNKNOWN_REASON: Final = "reason in the exporter's log"
REASONS: Final = _list_label_values(recording.RECENT_FAILURES, "reason", none=UNKNOWN_REASON)
DATASET_REASONS: Final = _list_label_values(
    recording.RECENT_FAILURES, "reason", ", dataset=%q", " $labels.dataset", "polls do not finish in time"
)
REFUSALS: Final = _list_label_values(
    recording.RECENT_FAILURES,
    "reason",
    f", dataset=%q, reason=~`{recording.REFUSALS}`",
    " $labels.dataset",
    UNKNOWN_REASON,
)
REFUSED_DATASETS: Final = _list_label_values(recording.REFUSED, "dataset")

RATE_LIMIT: Final = "InsightsRateLimitNearlyExhausted"

# The gauge keeps the value of the last response, however old it is.
FEW_REQUESTS_LEFT: Final = f"""\
{
    deduplicate(
        f'''
  {recording.REQUESTS_LEFT}
  and {ON_DATASET}
  (
    insights_exporter_requests_total
    unless
    insights_exporter_requests_total == insights_exporter_requests_total offset {thresholds.RESPONDED_LATELY}
  )
''',
        operation="min",
    )
} < {label_threshold("requests", thresholds.REQUESTS_LEFT)}
unless
{recording.NOT_POLLED}"""

# A poll without a duration has never finished: it waits for another dataset.
AGE: Final = recording.compute_age(recording.LAST_SUCCESS)
TOO_OLD: Final = f"""\
{
    deduplicate(
        f'''
  {AGE}
  and
  time() - {recording.LAST_SUCCESS} > {recording.MAX_AGE}
  and
  time() - {recording.LAST_SUCCESS} > {thresholds.MISSED_POLLS} * {recording.POLL_INTERVAL}
  and
  {deduplicate("insights_exporter_poll_duration_seconds", *recording.POLL)}
''',
        "dataset",
    )
}
unless {ON_DATASET}
{recording.REFUSED}
unless {ON_DATASET}
(
  {recording.RECENT_FAILURES}{{reason="rate_limited"}}
  and {ON_DEPLOYMENT}
  ALERTS{{alertname="{RATE_LIMIT}", alertstate="firing"}}
)
unless {ON_DEPLOYMENT}
{recording.NOT_POLLED}
unless {ON_DEPLOYMENT}
count_over_time({recording.NOT_POLLED}[{thresholds.AFTER_OUTAGE}]) > {thresholds.NO_OUTAGE}"""

LACKS_ROLE: Final = (
    f"{recording.REFUSED_DATASETS} >= {thresholds.REFUSED_DATASETS}\nunless\n{recording.NOT_POLLED}"
)
REFUSED: Final = (
    f"{recording.REFUSED}\n"
    f"unless {ON_DEPLOYMENT}\n{recording.REFUSED_DATASETS} >= {thresholds.REFUSED_DATASETS}\n"
    f"unless {ON_DEPLOYMENT}\n{recording.NOT_POLLED}"
)


REMAINING: Final = recording.TOKEN_REMAINING_OF_EXPORTER


def _select_tokens_below(severity: str, share: float, days: float) -> str:
    """Return the remaining seconds of tokens below a share of their lifetime and a number of days.

    Exporters of a deployment may have different tokens, so each is compared with its own lifetime.
    """
    return deduplicate(
        f"""
  {REMAINING}
  and
  ({REMAINING}) / (insights_exporter_token_lifetime_seconds > 0)
  < {label_threshold(f"{severity}Share", share)}
  and
  ({REMAINING}) / 86400 < {label_threshold(f"{severity}Days", days)}
""",
        operation="min",
    )


TOKEN_LOW: Final = _select_tokens_below("info", thresholds.TOKEN_LOW, thresholds.TOKEN_LOW_DAYS)
TOKEN_ENDING: Final = _select_tokens_below("warning", thresholds.TOKEN_ENDING, thresholds.TOKEN_ENDING_DAYS)

TOKEN_SUMMARY: Final = "The exporter's token for a Coder deployment expires soon."  # noqa: S105  a text
TOKEN_DESCRIPTION: Final = (
    f"The token for {DEPLOYMENT} "
    "{{ if gt $value 0.0 }}"
    'expires in {{ $value | humanizeDuration | reReplaceAll "(d [0-9]+h) .*" "$1" }}'
    "; using it does not extend it. Replace it before then, or every poll fails."
    "{{ else }}has expired. Replace it.{{ end }}"
)

ALERTS: Final = (
    Alert(
        name="InsightsExporterDown",
        severity="warning",
        hold="10m",
        expr=DOWN,
        summary="An insights exporter is not scraped.",
        description=(
            "{{ if $labels.instance }}"
            "Prometheus cannot scrape {{ $labels.instance }} (job {{ $labels.job }})."
            "{{ else if $labels.job }}"
            "An exporter of job {{ $labels.job }} has disappeared, and no other job polls its deployments."
            "{{ else }}"
            "Prometheus scrapes no insights exporter."
            "{{ end }} Usage of Coder is not recorded until it is back; it can be backfilled."
        ),
        dashboard=project.HEALTH,
        of_deployment=False,
    ),
    Alert(
        name="InsightsDeploymentNotPolled",
        severity="warning",
        hold="15m",
        expr=recording.NOT_POLLED,
        summary="Nothing can be polled from a Coder deployment.",
        description=(
            f"Every poll of {DEPLOYMENT} fails ({REASONS}). "
            "{{ if gt $value 1e9 }}None has succeeded since the exporter started, so there is no data."
            "{{ else }}The last one succeeded {{ $value | humanizeDuration }} ago. "
            "Series keep their last values until max_age and then expire.{{ end }}"
        ),
        dashboard=project.HEALTH,
    ),
    Alert(
        name="InsightsTokenLacksRole",
        severity="warning",
        hold="15m",
        expr=LACKS_ROLE,
        summary="Coder denies the exporter's token access to several datasets.",
        description=(
            f"Coder denies the token for {DEPLOYMENT} access to {{{{ $value }}}} datasets: "
            f"{REFUSED_DATASETS}. "
            "If the token's user lacks a role, Auditor is the least privileged one that can read them all."
        ),
        dashboard=project.HEALTH,
    ),
    Alert(
        name="InsightsDatasetRefused",
        severity="warning",
        hold="15m",
        expr=REFUSED,
        summary="Coder denies the exporter's token access to one dataset.",
        description=(
            f"Coder denies the token for {DEPLOYMENT} access to {{{{ $labels.dataset }}}} ({REFUSALS}). "
            "The token's user lacks a permission, or the token lacks a scope. "
            "Other datasets are not affected."
        ),
        dashboard=project.HEALTH,
    ),
    Alert(
        name=RATE_LIMIT,
        severity="warning",
        hold="15m",
        expr=FEW_REQUESTS_LEFT,
        summary="The exporter is close to Coder's rate limit.",
        description=(
            f"{DEPLOYMENT} accepts only {{{{ $value }}}} more requests in the current minute. "
            "Above its limit, it responds with 429 to the exporter "
            "and to all clients that share its user or address."
        ),
        dashboard=project.HEALTH,
    ),
    Alert(
        name="InsightsDataTooOld",
        severity="warning",
        hold="15m",
        expr=TOO_OLD,
        summary="Data of a Coder deployment is older than max_age.",
        description=(
            f"{{{{ $labels.dataset }}}} of {DEPLOYMENT} ({DATASET_REASONS}): "
            "{{ if gt $value 1e9 }}one or more of its polls have not succeeded since the exporter started, "
            "so their data is missing."
            "{{ else }}its oldest data is from {{ $value | humanizeDuration }} ago, longer than max_age, "
            "so those series have expired.{{ end }}"
        ),
        dashboard=project.HEALTH,
    ),
    Alert(
        name="InsightsTokenExpiresSoon",
        severity="info",
        hold="15m",
        expr=f"{TOKEN_LOW}\nunless\n(\n{indent(TOKEN_ENDING, '  ')}\n)",
        summary=TOKEN_SUMMARY,
        description=TOKEN_DESCRIPTION,
        dashboard=project.HEALTH,
    ),
    Alert(
        name="InsightsTokenExpiresSoon",
        severity="warning",
        hold="5m",
        expr=f"{TOKEN_ENDING}\nunless\n({recording.TOKEN_REMAINING} <= 0 and {recording.NOT_POLLED})",
        summary=TOKEN_SUMMARY,
        description=TOKEN_DESCRIPTION,
        dashboard=project.HEALTH,
    ),
    Alert(
        name="InsightsRowsInvalid",
        severity="info",
        hold="1h",
        expr=(
            f"{recording.ROWS_INVALID} > {label_threshold('rowsPerHour', thresholds.ROWS_PER_HOUR)}\n"
            f"and\n{deduplicate(recording.POLL_SUCCESS, 'dataset', operation='min')} == 1"
        ),
        summary="The exporter drops invalid rows of Coder's responses.",
        description=(
            f'{{{{ printf "%.1f" $value }}}} rows per hour of {{{{ $labels.dataset }}}} of {DEPLOYMENT} '
            "are dropped as invalid. All other rows are exposed. The log names each kind of row once."
        ),
        dashboard=project.HEALTH,
    ),
    Alert(
        name="InsightsSeriesDropped",
        severity="info",
        hold="1h",
        expr=(
            f"{deduplicate(recording.SERIES_DROPPED, operation='sum')} > "
            f"{label_threshold('series', thresholds.DROPPED)}"
        ),
        summary="Series of a Coder deployment are dropped by max_series.",
        description=(
            f"{{{{ $value }}}} series of {DEPLOYMENT} exceed max_series, so whole metric families are "
            "missing from /metrics. Raise max_series, or lower users.limit or parameters.limit."
        ),
        dashboard=project.HEALTH,
    ),
)

GROUP: Final = Group("insights-exporter.exporter", ALERTS)
