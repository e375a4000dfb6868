"""Dataset `daus`: how many users were active today and yesterday."""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta

from insights_exporter.coder.clock import get_unix_time
from insights_exporter.coder.decode import Envelope, Row, decode
from insights_exporter.coder.request import Request, Response
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets.aggregate import sum_by_key
from insights_exporter.datasets.base import ConvertResult, DailyHistory, Dataset, PollContext
from insights_exporter.datasets.report_schema import PATH as REPORT_PATH
from insights_exporter.datasets.report_schema import UsersResponse
from insights_exporter.datasets.timerange import (
    compute_day_start,
    compute_window_range,
    read_day,
    span_days,
)
from insights_exporter.exposition.family import MetricFamily, Samples

PATH = "/insights/daus"
TODAY = "today"
YESTERDAY = "yesterday"

_UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"})

DAILY_ACTIVE_USERS = MetricFamily(
    name="coder_insights_daily_active_users",
    help="Number of distinct users active on the day: today so far, or yesterday (API: daus "
    "entries.amount; in time zones other than UTC, templates report.active_users); cached.",
    labels=("deployment", "day"),
    merge="entries of the same day are summed; today is the newest day of the response",
    absent="the response lacks the day, or its row is invalid; from the deployment's midnight until the next "
    "poll",
    example='coder_insights_daily_active_users{day="yesterday"}',
    expires_at_midnight=True,
)
DAY_START = MetricFamily(
    name="coder_insights_day_start_timestamp_seconds",
    help="Unix time at which the day exposed as today or yesterday starts, in seconds (API: daus "
    "entries.date; in time zones other than UTC, templates report.start_time); cached.",
    labels=("deployment", "day"),
    absent="as coder_insights_daily_active_users, and if the report has no start",
    example='time() - coder_insights_day_start_timestamp_seconds{day="today"} > 2 * 86400',
    expires_at_midnight=True,
)


class Entry(Row, frozen=True):
    """The users of one day."""

    date: str
    amount: float

    def __post_init__(self) -> None:
        """Reject a date that cannot be read."""
        try:
            read_day(self.date)
        except ValueError:
            text = "date: expected a day"
            raise ValueError(text) from None


class DausResponse(Envelope, frozen=True):
    """The response of `/insights/daus`."""

    entries: list[Entry]


def counts_in_utc(deployment: Deployment) -> bool:
    """Return whether the deployment's days are those of UTC, of which the server reports sixty."""
    return deployment.timezone in _UTC_NAMES


def build_historic_requests(context: PollContext) -> Sequence[Request]:
    """Return the request for a report on the day before `now`."""
    today, zone = context.now.date(), context.zone
    return (Request(REPORT_PATH, span_days(today - timedelta(days=1), today, zone), YESTERDAY),)


def convert_day_before(context: PollContext, days: Mapping[int, float]) -> tuple[Samples, ...]:
    """Return what is exposed of the day before `now` if it is among `days`, else nothing."""
    day = context.now.date().toordinal() - 1
    return _build_samples([(YESTERDAY, days[day], compute_day_start(day))]) if day in days else ()


def build_requests(context: PollContext) -> Sequence[Request]:
    """Return one request for all UTC days, or one for each day of another zone.

    The server's own parameter for other zones only shifts the names of the days.
    """
    if counts_in_utc(context.deployment):
        return (Request(path=PATH),)
    so_far = compute_window_range(Window(name=TODAY, days=1), context.now, context.zone)
    return (Request(REPORT_PATH, so_far, TODAY), *build_historic_requests(context))


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the days of a response."""
    if response.request.path == REPORT_PATH:
        return _convert_report(context, response)
    decoded = decode(response.body, DausResponse)
    amounts = _read_amounts(decoded.value)
    newest = max(amounts, default=0)
    today = context.now.astimezone(UTC).toordinal()
    if 0 < today - newest <= len(decoded.invalid):  # the newer days may be among the rows that were dropped
        newest = today
    days = [
        (name, amounts[day], compute_day_start(day))
        for name, day in ((TODAY, newest), (YESTERDAY, newest - 1))
        if day in amounts
    ]
    by_day = tuple(sorted(amounts.items()))
    return ConvertResult(_build_samples(days), invalid=decoded.invalid, daily_users=by_day)


def _convert_report(context: PollContext, response: Response) -> ConvertResult:
    """Return the one day of a report."""
    decoded = decode(response.body, UsersResponse)
    report, name = decoded.value.report, response.request.subject
    day = context.now.astimezone(context.zone).toordinal() - (name == YESTERDAY)
    samples = _build_samples([(name, report.active_users, get_unix_time(report.start_time))])
    return ConvertResult(samples, invalid=decoded.invalid, daily_users=((day, report.active_users),))


def _build_samples(days: Sequence[tuple[str, float, float | None]]) -> tuple[Samples, ...]:
    """Return the users and the start of each day, as far as it is known."""
    return (
        Samples(DAILY_ACTIVE_USERS, [((name,), users) for name, users, _ in days]),
        Samples(DAY_START, [((name,), start) for name, _, start in days if start is not None]),
    )


def _read_amounts(response: DausResponse) -> dict[int, float]:
    return sum_by_key((read_day(entry.date), entry.amount) for entry in response.entries)


DATASET = Dataset(
    name="daus",
    families=(DAILY_ACTIVE_USERS, DAY_START),
    requests=build_requests,
    convert=convert,
    default_interval=300.0,
    roles=("Auditor", "Owner"),
    backfill="always",
    historic_requests=build_historic_requests,
    daily_history=DailyHistory(
        request=Request(PATH),
        read=lambda body: _read_amounts(decode(body, DausResponse).value),
        convert=convert_day_before,
        covers=counts_in_utc,
    ),
    missing_route="not_found",
)
