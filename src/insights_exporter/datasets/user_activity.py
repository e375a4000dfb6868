"""Dataset `user-activity`: how long each user was active."""

from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import Final

from insights_exporter.coder.decode import Envelope, NonNegative, Row, decode
from insights_exporter.coder.request import Response
from insights_exporter.datasets.aggregate import ACTIVITY, sum_by_key
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.groups import GROUP_ACTIVE_USERS, GROUP_ACTIVITY, group_activity
from insights_exporter.datasets.report_schema import WINDOW_FAMILIES, WindowReport, build_window_samples
from insights_exporter.datasets.timerange import build_window_request
from insights_exporter.datasets.users import USER_LABELS, build_user_labels, index_usernames, names_users
from insights_exporter.exposition.family import Columns, MetricFamily, Samples

NAME: Final = "user-activity"
PATH = "/insights/user-activity"

_LABELS = ("deployment", "window")

USER_ACTIVITY = MetricFamily(
    name="coder_insights_user_activity_seconds",
    help="Active time of a user in the window, in seconds (API: user-activity report.users.seconds); cached.",
    labels=(*_LABELS, *USER_LABELS),
    merge="rows with the same user id are summed; beyond users.limit, the most active are kept; ties by id",
    absent="the window is not among users.windows, users.detail is aggregate, or the user was not active in "
    "the window",
    example='topk(10, coder_insights_user_activity_seconds{window="7d"} / 3600)',
    drop_order=3,
)
ACTIVITY_DISTRIBUTION = MetricFamily(
    name="coder_insights_user_activity_distribution_seconds",
    type="gaugehistogram",
    help="Distribution of the active time of users in the window, in seconds, over all users (API: "
    "user-activity report.users.seconds); cached.",
    labels=_LABELS,
    bounds=ACTIVITY.bounds,
    merge="every user id counts once, with the sum of its rows",
    absent="the response has no report",
    example='histogram_quantile(0.5, coder_insights_user_activity_distribution_seconds_bucket{window="7d"})',
)
ACTIVITY_LEVEL = MetricFamily(
    name="coder_insights_activity_level_users",
    help="Number of users by level of active time in the window, over all users (API: user-activity "
    "report.users.seconds); select one window; cached.",
    labels=(*_LABELS, "level"),
    merge="every user id counts once, with the sum of its rows",
    absent="the response has no report; a level that no user has is 0",
    example='coder_insights_activity_level_users{window="7d",level="over_16h"} / ignoring (level) '
    'sum without (level) (coder_insights_activity_level_users{window="7d"})',
)


class ActiveUser(Row, frozen=True):
    """How long one user was active; OpenMetrics parsers reject a distribution with a negative sum."""

    user_id: str
    seconds: NonNegative
    username: str | None = None


class ActivityReport(WindowReport, frozen=True):
    """All users of the window."""

    users: list[ActiveUser]


class ActivityResponse(Envelope, frozen=True):
    """The whole response."""

    report: ActivityReport


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the most active users, and the distribution and bands of all users."""
    decoded = decode(response.body, ActivityResponse)
    report = decoded.value.report
    seconds = index_seconds(report.users)
    columns, beyond = _build_user_columns(context, seconds, report.users)
    window = context.window_name
    histogram = ACTIVITY.build_histogram(seconds.values())
    samples = (
        Samples(USER_ACTIVITY, columns),
        Samples(ACTIVITY_DISTRIBUTION, [((window,), histogram)]),
        Samples(ACTIVITY_LEVEL, ACTIVITY.build_band_rows((window,), histogram)),
        *(group_activity(context, seconds) if context.groups else ()),
        *build_window_samples(NAME, window, report),
    )
    return ConvertResult(samples, aggregated=beyond, invalid=decoded.invalid)


def index_seconds(users: Sequence[ActiveUser]) -> Mapping[str, float]:
    """Return the sum of the rows of each user id."""
    seconds = {user.user_id: user.seconds for user in users}
    if len(seconds) == len(users):
        return seconds
    return sum_by_key((user.user_id, user.seconds) for user in users)


def _build_user_columns(
    context: PollContext, seconds: Mapping[str, float], users: Sequence[ActiveUser]
) -> tuple[Columns, int]:
    """Return the most active users, and how many others there are."""
    if not names_users(context):
        return Columns(), 0
    limit, most_active = context.deployment.users.limit, [*seconds]
    if len(seconds) > limit:
        ranked = nsmallest(limit, [(-value, user) for user, value in seconds.items()])
        most_active = [user for _, user in ranked]
    ids, *labels = build_user_labels(context, most_active, index_usernames(users))
    columns = Columns(([context.window_name] * len(ids), *labels), [seconds[user] for user in ids])
    return columns, len(seconds) - len(columns)


DATASET = Dataset(
    name=NAME,
    families=(
        USER_ACTIVITY,
        ACTIVITY_DISTRIBUTION,
        ACTIVITY_LEVEL,
        GROUP_ACTIVE_USERS,
        GROUP_ACTIVITY,
        *WINDOW_FAMILIES,
    ),
    windows=lambda deployment: deployment.windows,
    requests=lambda context: (build_window_request(PATH, context),),
    looks_up="groups",
    convert=convert,
    backfill="users",
    missing_route="not_found",
)
