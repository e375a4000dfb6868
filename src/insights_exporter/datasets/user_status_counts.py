"""Dataset `user-status-counts`: how many users there are, by status."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from insights_exporter.coder.clock import get_unix_time
from insights_exporter.coder.decode import Envelope, Row, decode
from insights_exporter.coder.request import Request, Response
from insights_exporter.datasets.aggregate import sum_by_key
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.parameters import EMPTY, LONGEST_VALUE
from insights_exporter.datasets.timerange import find_next_full_hour, require_time
from insights_exporter.exposition.family import MetricFamily, Samples

PATH = "/insights/user-status-counts"
KNOWN_STATUSES = ("active", "dormant", "suspended")

USERS = MetricFamily(
    name="coder_insights_users",
    help="Number of users by account status, as of the newest data point (API: user-status-counts "
    "status_counts.count); cached.",
    labels=("deployment", "status"),
    merge="the newest point of each status",
    absent="the server is older than the endpoint, or the newest data point is invalid; a known status that "
    "is not in the response is 0",
    example='coder_insights_users{status="active"}',
)


class Point(Row, frozen=True):
    """The users of a status at one time."""

    date: datetime
    count: float

    def __post_init__(self) -> None:
        """Reject a time that is none."""
        require_time("date", self.date)


class StatusResponse(Envelope, frozen=True):
    """The whole response: points by status."""

    status_counts: dict[str, list[Point]]

    def __post_init__(self) -> None:
        """Reject statuses of which none is known."""
        if not self.status_counts.keys() & set(KNOWN_STATUSES):
            text = f"status_counts: has none of {', '.join(KNOWN_STATUSES)}"
            raise ValueError(text)


def build_requests(context: PollContext) -> Sequence[Request]:
    """Return the request whose points, one per midnight, end with the next full hour."""
    next_hour = find_next_full_hour(context.now).hour
    east = (12 - next_hour) % 24 - 12  # hours east of UTC where the next full hour is midnight
    zone = f"Etc/GMT{-east:+d}" if east else "Etc/GMT"  # these names count hours west
    extra, alternative = {"tz_offset": str(east)}, {"timezone": zone}
    return (Request(path=PATH, extra=extra, alternative=alternative, needs_extra=True),)


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the newest count of each status."""
    decoded = decode(response.body, StatusResponse)
    points_of, invalid = decoded.value.status_counts, decoded.invalid
    since = context.now.timestamp() if invalid else -math.inf
    counts = [
        (status[:LONGEST_VALUE] or EMPTY, count)
        for status, points in points_of.items()
        for count in _select_newest(points, since)
    ]
    missing = [] if invalid else [(status, 0.0) for status in KNOWN_STATUSES if not points_of.get(status)]
    rows = sorted(sum_by_key([*counts, *missing]).items())
    return ConvertResult((Samples(USERS, [((status,), count) for status, count in rows]),), invalid=invalid)


def _select_newest(points: Iterable[Point], since: float) -> Iterable[float]:
    """Return the newest count, none if a newer point may have been dropped."""
    by_time = sum_by_key(
        (time, point.count) for point in points if (time := get_unix_time(point.date)) is not None
    )
    newest = max(by_time, default=-math.inf)
    return [by_time[newest]] if by_time and newest >= since else []


DATASET = Dataset(
    name="user-status-counts",
    families=(USERS,),
    requests=build_requests,
    convert=convert,
    default_interval=900.0,
    roles=("Auditor", "User Admin", "Template Admin", "Owner"),
)
