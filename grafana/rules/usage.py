"""Alerts about users: their connections, their number, and the license's seats."""

from typing import Final

from grafana import project, thresholds
from grafana.promql import TEMPLATE
from grafana.rules import recording
from grafana.rules.model import Alert, Group, label_threshold

UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

LATENCY: Final = f'{{window="{thresholds.POOR_WINDOW}", percentile="p50"}}'

YESTERDAY: Final = f'{recording.DAILY_USERS}{{day="yesterday"}}'
THIS_WEEK: Final = f"avg_over_time({YESTERDAY}[1w])"
WEEK_BEFORE: Final = f"avg_over_time({YESTERDAY}[1w] offset 1w)"
# Otherwise, a week in which only quiet days were scraped would look like a decline.
DAYS_KNOWN: Final = f"count_over_time({YESTERDAY}[1w])"
DAYS_KNOWN_BEFORE: Final = f"count_over_time({YESTERDAY}[1w] offset 1w)"
TODAY: Final = f'{recording.DAILY_USERS}{{day="today"}}'


def _match_working_day(day: str) -> str:
    """Return a condition that holds on working days."""
    weekday = f'{recording.WEEKDAY}{{day="{day}"}}'
    first = label_threshold("firstWorkingDay", thresholds.FIRST_WORKING_DAY)
    last = label_threshold("lastWorkingDay", thresholds.LAST_WORKING_DAY)
    return f"{weekday} >= {first}\nand\n{weekday} <= {last}"


def _select_unnamed(offset: str = "") -> str:
    """Return the templates that were used on the last whole day and have an id as their name."""
    selector = (
        f'coder_insights_template_daily_active_users{{day="yesterday", template_name=~"{UUID}"}}{offset}'
    )
    return f"{recording.deduplicate(selector, *TEMPLATE)} > 0"


SEATS_LEFT: Final = f"{recording.SEATS_LIMIT} - {recording.SEATS_USED}"

NO_LICENSES: Final = recording.deduplicate(
    'insights_exporter_dataset_available{dataset="license", reason="not_licensed"}', "reason"
)
"""0 if the server has no licenses at all, or a proxy responds with 404 to everything."""

UNNAMED: Final = f"\n  {_select_unnamed()}\n  and\n  {_select_unnamed(' offset 1d')}\n"

ALERTS: Final = (
    Alert(
        name="InsightsUserLatencyHigh",
        severity="warning",
        hold="1h",
        expr=(
            f"{recording.USERS_ABOVE_POOR}{LATENCY} > {label_threshold('share', thresholds.POOR_USERS)}\n"
            f"and\n"
            f"{recording.MEASURED_USERS}{LATENCY} >= {label_threshold('users', thresholds.POOR_USERS_OF)}"
        ),
        summary="Many users of a Coder deployment have a slow connection.",
        description=(
            "{{ $value | humanizePercentage }} of the users of {{ $labels.deployment }} "
            f"had a median latency above {thresholds.LATENCY_POOR * 1000:.0f} ms "
            "in the window {{ $labels.window }}."
        ),
        dashboard=project.CONNECTION,
    ),
    Alert(
        name="InsightsDailyUsersHalved",
        severity="info",
        hold="2h",
        expr=(
            f"{THIS_WEEK} / {WEEK_BEFORE} < {label_threshold('share', thresholds.USERS_FALLEN_TO)}\n"
            f"and\n{WEEK_BEFORE} >= {label_threshold('users', thresholds.USERS_FALLEN_OF)}\n"
            f"and\n{DAYS_KNOWN} >= {thresholds.USERS_KNOWN} * {DAYS_KNOWN_BEFORE}"
        ),
        summary="Far fewer users were active in the last week than in the week before.",
        description=(
            "The daily active users of {{ $labels.deployment }}, averaged over the last seven days, are "
            "{{ $value | humanizePercentage }} of those of the week before."
        ),
        dashboard=project.ADOPTION,
    ),
    Alert(
        name="InsightsNoActiveUsers",
        severity="warning",
        hold="15m",
        expr=(
            f"{TODAY} == 0\n"
            f'and\n(time() - {recording.DAY_START}{{day="today"}}) / 3600'
            f" > {label_threshold('hours', thresholds.NO_USERS_AFTER_HOURS)}\n"
            f"and\n{_match_working_day('today')}\n"
            f"and ignoring (day)\nmax_over_time({YESTERDAY}[1w])"
            f" >= {label_threshold('users', thresholds.NO_USERS_AMONG)}"
        ),
        summary="No user has been active on a working day.",
        description=(
            "{{ $labels.deployment }} has {{ $value }} active users today, a working day, although it had "
            "users in the last week."
        ),
        dashboard=project.ADOPTION,
    ),
    Alert(
        name="InsightsSeatsNearlyUsedUp",
        severity="warning",
        hold="1h",
        expr=(
            f"{SEATS_LEFT} <= {label_threshold('seats', thresholds.SEATS_LEFT)}\n"
            f"and\n{recording.SEATS_USED} / {recording.SEATS_LIMIT} >= "
            f"{label_threshold('share', thresholds.SEATS_USED)}"
        ),
        summary="The seats of a Coder license are nearly used up.",
        description=(
            "The license of {{ $labels.deployment }} "
            "{{ if ge $value 0.0 }}has {{ $value }} seats left{{ else }}is exceeded by "
            '{{ $value | printf "%.0f" | reReplaceAll "-" "" }} seats{{ end }} '
            "({{ $labels.feature }}). Coder warns its administrators while more seats are in use than "
            "the license has."
        ),
        dashboard=project.USERS,
    ),
    Alert(
        name="InsightsLicenseInvalid",
        severity="warning",
        hold="1h",
        expr=(
            f'{recording.LICENSE_STATUS}{{status="grace_period"}} == 1\n'
            f'or\n(\n  {recording.LICENSE_STATUS}{{status="not_entitled"}} == 1\n'
            f"  or\n  (\n    {NO_LICENSES} == 0\n"
            f"    unless {recording.match_on()}\n    {recording.NOT_POLLED}\n  )\n)\n"
            f"and {recording.match_on()}\n"
            f'max_over_time({recording.LICENSE_STATUS}{{status=~"entitled|grace_period"}}'
            f"[{thresholds.LICENSE_REMEMBERED}]) == 1"
        ),
        summary="The license of a Coder deployment has expired or is missing.",
        description=(
            "The license of {{ $labels.deployment }} "
            '{{ if eq $labels.status "grace_period" }}has expired. Coder still serves its features, '
            'for a limited time.{{ else if eq $labels.reason "not_licensed" }}is missing: Coder '
            "responds to `/entitlements` with 404, as its open-source build does. Premium features are off."
            "{{ else }}was removed, or its grace period is over. Premium features are off.{{ end }}"
        ),
        dashboard=project.USERS,
    ),
    Alert(
        name="InsightsTemplateNameUnknown",
        severity="info",
        hold="1h",
        expr=(
            f"{recording.deduplicate(UNNAMED, operation='count')} >= "
            f"{label_threshold('templates', thresholds.UNNAMED_TEMPLATES)}\n"
            f'unless {recording.match_on()}\n{recording.POLL_SUCCESS}{{dataset="template-list"}} == 0'
        ),
        summary="The names of templates in use are unknown.",
        description=(
            "{{ $value }} templates that were used in {{ $labels.deployment }} yesterday and the day before "
            "have no name, because Coder does not list them. "
            "The token lacks access to them, or they were deleted."
        ),
        dashboard=project.TEMPLATES,
    ),
)

GROUP: Final = Group("insights-exporter.usage", ALERTS)
