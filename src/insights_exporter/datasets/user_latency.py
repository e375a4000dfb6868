"""Dataset `user-latency`: how good each user's connection was."""

from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from itertools import compress
from typing import Final

from insights_exporter.coder.decode import Envelope, Row, decode
from insights_exporter.coder.request import Response
from insights_exporter.datasets.aggregate import LATENCY
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.groups import GROUP_CONNECTION_QUALITY, group_quality
from insights_exporter.datasets.report_schema import WINDOW_FAMILIES, WindowReport, build_window_samples
from insights_exporter.datasets.timerange import build_window_request
from insights_exporter.datasets.users import USER_LABELS, build_user_labels, index_usernames, names_users
from insights_exporter.exposition.family import Columns, HistogramRow, MetricFamily, SampleRow, Samples

NAME: Final = "user-latency"
PATH = "/insights/user-latency"

_LABELS = ("deployment", "window")
_MILLISECONDS = 1000.0
_UNKNOWN = -1.0

USER_LATENCY = MetricFamily(
    name="coder_insights_user_latency_seconds",
    help="Connection latency of a user in the window, in seconds (API: user-latency "
    "report.users.latency_ms); cached.",
    labels=(*_LABELS, *USER_LABELS, "percentile"),
    merge="of several rows with the same user id, the slowest; beyond users.limit, the slowest by p95, "
    "then p50, are kept; ties by id",
    absent="as coder_insights_user_activity_seconds, or the server has no latency of the user (-1)",
    example='topk(10, coder_insights_user_latency_seconds{window="7d",percentile="p95"})',
    drop_order=2,
)
LATENCY_DISTRIBUTION = MetricFamily(
    name="coder_insights_user_latency_distribution_seconds",
    type="gaugehistogram",
    help="Distribution of the connection latency of users in the window, in seconds, over all users with a "
    "latency (API: user-latency report.users.latency_ms); cached.",
    labels=(*_LABELS, "percentile"),
    bounds=LATENCY.bounds,
    merge="every user id counts once per percentile",
    absent="the response has no report",
    example="1 - coder_insights_user_latency_distribution_seconds_bucket"
    '{window="7d",percentile="p95",le="0.3"} / ignoring (le) '
    'coder_insights_user_latency_distribution_seconds_bucket{window="7d",percentile="p95",le="+Inf"}',
)
CONNECTION_QUALITY = MetricFamily(
    name="coder_insights_connection_quality_users",
    help="Number of users by connection quality in the window, over all users with a latency: good up to "
    "0.15 s, fair up to 0.3 s, poor above (API: user-latency report.users.latency_ms); select one window "
    "and one percentile; cached.",
    labels=(*_LABELS, "percentile", "quality"),
    merge="every user id counts once per percentile",
    absent="the response has no report; a quality that no user has is 0",
    example='sum without (quality) (coder_insights_connection_quality_users{window="7d",percentile="p95",'
    'quality!="good"}) / ignoring (quality) '
    'sum without (quality) (coder_insights_connection_quality_users{window="7d",percentile="p95"})',
)


class Latency(Row, frozen=True):
    """Percentiles in milliseconds; negative where there is none."""

    p50: float | None
    p95: float | None


class ConnectedUser(Row, frozen=True):
    """How slow one user's connections were."""

    user_id: str
    latency_ms: Latency | None
    username: str | None = None


class LatencyReport(WindowReport, frozen=True):
    """All users of the window."""

    users: list[ConnectedUser]


class LatencyResponse(Envelope, frozen=True):
    """The whole response."""

    report: LatencyReport


Latencies = Mapping[str, Mapping[str, float]]
"""By percentile, seconds by user id, of those users that have them."""


def convert(context: PollContext, response: Response) -> ConvertResult:
    """Return the slowest users, and the distributions and bands of all users."""
    decoded = decode(response.body, LatencyResponse)
    report = decoded.value.report
    latencies = index_latencies(report.users)
    columns, beyond = _build_user_columns(context, latencies, report.users)
    window = context.window_name
    histograms = build_latency_histograms((window,), latencies)
    samples = (
        Samples(USER_LATENCY, columns),
        Samples(LATENCY_DISTRIBUTION, histograms),
        Samples(CONNECTION_QUALITY, build_quality_rows(histograms)),
        *([group_quality(context, latencies)] if context.groups else ()),
        *build_window_samples(NAME, window, report),
    )
    return ConvertResult(samples, aggregated=beyond, invalid=decoded.invalid)


def build_latency_histograms(labels: tuple[str, ...], latencies: Latencies) -> list[HistogramRow]:
    """Return one histogram per percentile, which is its last label."""
    return [
        ((*labels, name), LATENCY.build_histogram(seconds.values())) for name, seconds in latencies.items()
    ]


def build_quality_rows(histograms: Iterable[HistogramRow]) -> list[SampleRow]:
    """Return the bands of histograms, named by a further label."""
    return [row for labels, histogram in histograms for row in LATENCY.build_band_rows(labels, histogram)]


def index_latencies(users: Sequence[ConnectedUser]) -> Latencies:
    """Return the latencies of each user id, the slowest of several rows."""
    reported = {user.user_id: latency for user in users if (latency := user.latency_ms)}
    by_p50: Iterable[tuple[str, Latency]] = reported.items()
    by_p95: Iterable[tuple[str, Latency]] = reported.items()
    if len(reported) < len(users):
        # In the order of speed the slowest of several rows comes last and stays.
        rows = [(user.user_id, latency) for user in users if (latency := user.latency_ms)]
        by_p50 = sorted(rows, key=lambda row: row[1].p50 or _UNKNOWN)
        by_p95 = sorted(rows, key=lambda row: row[1].p95 or _UNKNOWN)
    return {
        "p50": {user: ms / _MILLISECONDS for user, row in by_p50 if (ms := row.p50) is not None and ms >= 0},
        "p95": {user: ms / _MILLISECONDS for user, row in by_p95 if (ms := row.p95) is not None and ms >= 0},
    }


def _build_user_columns(
    context: PollContext, latencies: Latencies, users: Sequence[ConnectedUser]
) -> tuple[Columns, int]:
    """Return the slowest users, first the p50 of all, then the p95 of all, and how many others there are."""
    if not names_users(context):
        return Columns(), 0
    slowest = _select_slowest_users(latencies, context.deployment.users.limit)
    ids, *columns = build_user_labels(context, slowest, index_usernames(users))
    seconds = [*map(latencies["p50"].get, ids), *map(latencies["p95"].get, ids)]
    percentiles = ["p50"] * len(ids) + ["p95"] * len(ids)
    known = [each is not None for each in seconds]
    labels = (
        [context.window_name] * len(known),
        *([*column] * 2 for column in columns),
        percentiles,
    )
    values = [each for each in seconds if each is not None]
    exposed = Columns(tuple([*compress(column, known)] for column in labels), values)
    return exposed, sum(map(len, latencies.values())) - len(exposed)


def _select_slowest_users(latencies: Latencies, limit: int) -> Iterable[str]:
    p50, p95 = latencies["p50"], latencies["p95"]
    users = {**p95, **p50}
    if len(users) <= limit:
        return users
    ranked = [(-p95.get(user, _UNKNOWN), -p50.get(user, _UNKNOWN), user) for user in users]
    return [user for _, _, user in nsmallest(limit, ranked)]


DATASET = Dataset(
    name=NAME,
    families=(
        USER_LATENCY,
        LATENCY_DISTRIBUTION,
        CONNECTION_QUALITY,
        GROUP_CONNECTION_QUALITY,
        *WINDOW_FAMILIES,
    ),
    windows=lambda deployment: deployment.windows,
    requests=lambda context: (build_window_request(PATH, context),),
    looks_up="groups",
    convert=convert,
    backfill="users",
    missing_route="not_found",
)
