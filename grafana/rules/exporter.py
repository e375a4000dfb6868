"""Alerts about the exporter: that it runs, is let in, and has fresh data."""

from typing import Final

from grafana import project, thresholds
from grafana.promql import INFO, exporters_down
from grafana.rules import recording
from grafana.rules.model import Alert, Group

AGE: Final = f"(time() - {recording.LAST_SUCCESS})"

DOWN: Final = f"{exporters_down('up', INFO)}\nor on ()\nabsent({INFO})"

REFUSALS: Final = 'insights_exporter_request_failures_total{reason=~"unauthorized|forbidden|not_permitted"}'


def _refused(ago: str) -> str:
    """Give the refusals that were not yet counted `ago`: a counter may have been born with its first."""
    new = f"\n  {REFUSALS}\n  unless\n  {REFUSALS} == {REFUSALS} offset {ago}\n"
    return f"{recording.once(new, 'dataset', 'reason', operation='sum')} > 0"


REFUSED: Final = f"""\
(
{_refused(thresholds.REFUSED_LATELY)}
or
{_refused(thresholds.REFUSED_RARELY_ASKED)}
and ignoring (reason)
max without (window) ({recording.POLL_INTERVAL}) > {thresholds.RARELY_ASKED}
)
and ignoring (reason)
min without (window) ({recording.POLL_SUCCESS}) == 0"""

# The health of polls is withdrawn where a server has none of the datasets; what it has is told always.
GONE: Final = f"""\
present_over_time({recording.ANY_POLL_SUCCESS}[1d])
unless
{recording.ANY_POLL_SUCCESS}
unless
{recording.once("insights_exporter_dataset_available")}"""

ALERTS: Final = (
    Alert(
        name="InsightsExporterDown",
        severity="critical",
        hold="10m",
        expr=DOWN,
        summary="An insights exporter is not scraped.",
        description=(
            "Prometheus gets no page from "
            "{{ if $labels.instance }}{{ $labels.instance }} (job {{ $labels.job }})"
            "{{ else }}any insights exporter{{ end }}: "
            "Coder's usage is not recorded while this lasts."
        ),
        board=project.HEALTH,
        of_deployment=False,
    ),
    Alert(
        name="InsightsDeploymentNotPolled",
        severity="critical",
        hold="15m",
        expr=f"{recording.ANY_POLL_SUCCESS} == 0\nor\n{GONE}",
        summary="Nothing can be polled from a Coder deployment.",
        description=(
            "{{ if $value }}No exporter polls {{ $labels.deployment }} any more, and one did within the last "
            "day: its series are gone."
            "{{ else }}The last poll of every dataset of {{ $labels.deployment }} failed. "
            "Its numbers are the last good ones now and vanish as they get too old.{{ end }}"
        ),
        board=project.HEALTH,
    ),
    Alert(
        name="InsightsDataTooOld",
        severity="warning",
        hold="15m",
        expr=(
            f"{AGE} > {recording.MAX_AGE}\nand\n{AGE} > {thresholds.MISSED_POLLS} * {recording.POLL_INTERVAL}"
        ),
        summary="Data of a Coder deployment are too old to be served.",
        description=(
            "Last good poll of {{ $labels.dataset }}{{ if $labels.window }} ({{ $labels.window }}){{ end }} "
            "of {{ $labels.deployment }}: "
            "{{ if gt $value 1e9 }}never{{ else }}{{ $value | humanizeDuration }} ago{{ end }}. "
            "That is longer than max_age allows, so its series are gone."
        ),
        board=project.HEALTH,
    ),
    Alert(
        name="InsightsDatasetRefused",
        severity="warning",
        hold="15m",
        expr=REFUSED,
        summary="Coder refuses a dataset to the exporter's token.",
        description=(
            "{{ $labels.deployment }} answers requests for {{ $labels.dataset }} with "
            "{{ $labels.reason }}, so its series are missing. Auditor is the least role that may read all."
        ),
        board=project.HEALTH,
    ),
    Alert(
        name="InsightsTokenExpiresSoon",
        severity="warning",
        hold="15m",
        expr=f"{recording.TOKEN_REST} < {thresholds.TOKEN_LOW}",
        summary="The exporter's token for a Coder deployment expires soon.",
        description=(
            "The token for {{ $labels.deployment }} has {{ $value | humanizePercentage }} of its lifetime "
            "left and is not prolonged by use. Without a new one all polls of this deployment will fail."
        ),
        board=project.HEALTH,
    ),
    Alert(
        name="InsightsTokenAlmostExpired",
        severity="critical",
        hold="5m",
        expr=f"{recording.TOKEN_REST} < {thresholds.TOKEN_ENDING}",
        summary="The exporter's token for a Coder deployment is about to expire.",
        description=(
            "The token for {{ $labels.deployment }} has {{ $value | humanizePercentage }} of its lifetime "
            "left. Renew it now: all polls of this deployment are about to fail."
        ),
        board=project.HEALTH,
    ),
    Alert(
        name="InsightsRateLimitNearEnd",
        severity="warning",
        hold="15m",
        expr=f"{recording.REQUESTS_LEFT} < {thresholds.REQUESTS_LEFT}",
        summary="The exporter is close to Coder's rate limit.",
        description=(
            "{{ $labels.deployment }} allows {{ $value }} more requests for {{ $labels.dataset }} this "
            "minute. Beyond that it refuses the exporter, and whoever shares its user or address."
        ),
        board=project.HEALTH,
    ),
    Alert(
        name="InsightsSeriesDropped",
        severity="info",
        hold="1h",
        expr=f"{recording.once(recording.SERIES_DROPPED, operation='sum')} > 0",
        summary="Series of a Coder deployment are dropped by max_series.",
        description=(
            "{{ $value }} series of {{ $labels.deployment }} exceed max_series, so whole metric families are "
            "missing from /metrics. Raise max_series, or lower users.limit or parameters.limit."
        ),
        board=project.HEALTH,
    ),
)

GROUP: Final = Group("insights-exporter.exporter", ALERTS)
