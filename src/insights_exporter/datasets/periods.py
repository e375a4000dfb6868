"""Dataset `periods`: users of whole weeks and months."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from insights_exporter.coder.decode import decode
from insights_exporter.coder.request import Request, Response
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.report_schema import PATH, UsersResponse
from insights_exporter.datasets.timerange import span_days
from insights_exporter.exposition.family import MetricFamily, Samples

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)

WEEKLY_ACTIVE_USERS = MetricFamily(
    name="coder_insights_weekly_active_users",
    help="Number of distinct users active in a whole ISO week: the last, or the one before (API: templates "
    "report.active_users); cached.",
    labels=("deployment", "week"),
    absent="the response has no report; from the deployment's midnight until the next poll",
    example='coder_insights_weekly_active_users{week="last"}',
    expires_at_midnight=True,
)
MONTHLY_ACTIVE_USERS = MetricFamily(
    name="coder_insights_monthly_active_users",
    help="Number of distinct users active in a whole calendar month: the last, or the one before (API: "
    "templates report.active_users); cached.",
    labels=("deployment", "month"),
    absent="the response has no report; from the deployment's midnight until the next poll",
    example='coder_insights_monthly_active_users{month="last"} '
    '/ ignoring (month) coder_insights_monthly_active_users{month="before_last"}',
    expires_at_midnight=True,
)

_BY_LENGTH = {"week": WEEKLY_ACTIVE_USERS, "month": MONTHLY_ACTIVE_USERS}


def list_periods_before(today: date) -> Mapping[str, tuple[date, date]]:
    """Return the first day of each period and the day after its last."""
    monday = today - timedelta(days=today.weekday())
    this_month = today.replace(day=1)
    last_month = (this_month - _DAY).replace(day=1)
    return {
        "week:last": (monday - _WEEK, monday),
        "week:before_last": (monday - 2 * _WEEK, monday - _WEEK),
        "month:last": (last_month, this_month),
        "month:before_last": ((last_month - _DAY).replace(day=1), last_month),
    }


def build_requests(context: PollContext) -> Sequence[Request]:
    """Return one request per period, whose days are then right in every zone, on every server."""
    zone = context.zone
    periods = list_periods_before(context.now.astimezone(zone).date())
    return tuple(
        Request(path=PATH, span=span_days(first, after, zone), subject=name)
        for name, (first, after) in periods.items()
    )


def convert(_context: PollContext, response: Response) -> ConvertResult:
    """Return the users of a period."""
    decoded = decode(response.body, UsersResponse)
    length, _, label = response.request.subject.partition(":")
    users = Samples(_BY_LENGTH[length], [((label,), decoded.value.report.active_users)])
    return ConvertResult((users,), invalid=decoded.invalid)


DATASET = Dataset(
    name="periods",
    families=(WEEKLY_ACTIVE_USERS, MONTHLY_ACTIVE_USERS),
    requests=build_requests,
    convert=convert,
    default_interval=3600.0,
    backfill="always",
    missing_route="not_found",
)
