"""The status of polls, requests and reloads, and the metric families that expose it."""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate

from insights_exporter import __version__
from insights_exporter.coder.errors import REASONS, ApiError, FailureReason
from insights_exporter.config.intervals import PollInterval
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import list_data_families
from insights_exporter.datasets.server_info import TOKEN_FAMILIES
from insights_exporter.exposition.family import HistogramRow, HistogramValue, MetricFamily, SampleRow, Samples

_REQUESTS = ("deployment", "dataset")
_poll_family = partial(
    MetricFamily, labels=("deployment", "dataset", "window"), absent="while dataset_available is 0"
)
_request_family = partial(MetricFamily, labels=_REQUESTS)

POLL_SUCCESS = _poll_family(
    name="insights_exporter_poll_success",
    help="Whether the last finished poll, retries included, succeeded (1) or not (0).",
    example="insights_exporter_poll_success == 0",
)
LAST_SUCCESS = _poll_family(
    name="insights_exporter_last_success_timestamp_seconds",
    help="Unix time at which the last successful poll ended, in seconds, by the exporter's clock; 0 before "
    "the first.",
    example="time() - insights_exporter_last_success_timestamp_seconds",
)
POLL_DURATION = _poll_family(
    name="insights_exporter_poll_duration_seconds",
    help="Duration of the last finished poll, in seconds, including the wait for the rate limit.",
    absent="before the first poll has ended, and while dataset_available is 0",
    example="topk(5, insights_exporter_poll_duration_seconds)",
)
POLL_INTERVAL = _poll_family(
    name="insights_exporter_poll_interval_seconds",
    help="Configured interval between polls, in seconds.",
    example="insights_exporter_poll_interval_seconds",
)
MAX_AGE = _poll_family(
    name="insights_exporter_max_age_seconds",
    help="Configured time for which the last successful response is exposed if polls fail, in seconds.",
    example="insights_exporter_max_age_seconds",
)
SERIES = _poll_family(
    name="insights_exporter_series",
    help="Number of series of Coder's data that the dataset exposes for the window; the names of apps and "
    "templates, the version and the expiry of the token are not counted.",
    example="sum without (dataset, window) (insights_exporter_series)",
)
SERIES_FOLDED = _poll_family(
    name="insights_exporter_series_folded",
    help="Number of source series that the limits of users, parameters, apps, templates and groups "
    "aggregate or omit, as configured; values hidden by parameters.values, .include and .exclude are not "
    "counted.",
    example="insights_exporter_series_folded > 0",
)
SERIES_DROPPED = _poll_family(
    name="insights_exporter_series_dropped",
    help="Number of series, in whole families, that max_series drops; normally 0.",
    example="insights_exporter_series_dropped > 0",
)
REQUESTS = _request_family(
    name="insights_exporter_requests_total",
    type="counter",
    help="Total number of requests to Coder for the dataset, retries included.",
    example="rate(insights_exporter_requests_total[10m]) * 60",
)
REQUEST_FAILURES = _request_family(
    name="insights_exporter_request_failures_total",
    type="counter",
    help="Total number of failed requests to Coder for the dataset, by reason (docs/failures.md), retries "
    "included.",
    labels=(*_REQUESTS, "reason"),
    example="increase(insights_exporter_request_failures_total[1h]) > 0",
)
REQUEST_DURATION = _request_family(
    name="insights_exporter_request_duration_seconds",
    type="histogram",
    help="Duration of requests to Coder for the dataset, in seconds, from the start to the end of the body.",
    bounds=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    example="histogram_quantile(0.9, rate(insights_exporter_request_duration_seconds_bucket[1h]))",
)
RATE_LIMIT_REMAINING = _request_family(
    name="insights_exporter_rate_limit_remaining",
    help="Number of requests that Coder's rate limit still allowed as of the last response (header: "
    "X-RateLimit-Remaining).",
    absent="the server does not send the header",
    example="insights_exporter_rate_limit_remaining < 50",
)
ROWS_INVALID = _request_family(
    name="insights_exporter_rows_invalid_total",
    type="counter",
    help="Total number of rows of responses that were dropped as invalid.",
    example="increase(insights_exporter_rows_invalid_total[1h]) > 0",
)
DATASET_AVAILABLE = _request_family(
    name="insights_exporter_dataset_available",
    help="Whether the server has the dataset (1) or not (0), with the reason: an older Coder, no license "
    "for it, or usage statistics switched off.",
    labels=(*_REQUESTS, "reason"),
    example="insights_exporter_dataset_available == 0",
)
BUILD_INFO = MetricFamily(
    name="insights_exporter_build_info",
    help="Version of the exporter, always 1.",
    labels=("version",),
    example="count by (version) (insights_exporter_build_info)",
)
RELOAD_SUCCESSFUL = MetricFamily(
    name="insights_exporter_config_last_reload_successful",
    help="Whether the last config load succeeded (1) or not (0).",
    example="insights_exporter_config_last_reload_successful == 0",
)
RELOAD_TIME = MetricFamily(
    name="insights_exporter_config_last_reload_success_timestamp_seconds",
    help="Unix time of the last successful config load, in seconds.",
    example="time() - insights_exporter_config_last_reload_success_timestamp_seconds",
)


@dataclass(slots=True)
class PollStatus:
    """How the polls of one dataset and window go; times are Unix seconds."""

    dataset: str
    window: str
    interval: PollInterval
    success: bool = False
    last_success: float = 0.0
    duration: float | None = None
    series: int = 0
    aggregated: int = 0
    dropped: int = 0
    finished: bool = False
    since: float | None = None
    """When the present run of successes or failures began."""
    failures: int = 0
    failure: ApiError | None = None

    def record_success(self, now: float, seconds: float) -> None:
        """Record a poll whose requests all succeeded."""
        self.since = self.since if self.success else now
        self.success, self.last_success, self.duration, self.finished = True, now, seconds, True
        self.failures, self.failure = 0, None

    def record_failure(self, now: float, seconds: float, failure: ApiError) -> None:
        """Record a failed poll."""
        self.since = self.since if self.failure else now
        self.success, self.duration, self.finished = False, seconds, True
        self.failures += 1
        self.failure = failure.with_traceback(None)

    def collect_samples(self) -> Iterator[Samples]:
        """Yield the samples of all families by dataset and window."""
        for family, read in _POLL_VALUES.items():
            value = read(self)
            yield Samples(family, () if value is None else (((self.dataset, self.window), value),))


_POLL_VALUES: Mapping[MetricFamily, Callable[[PollStatus], float | None]] = {
    POLL_SUCCESS: lambda poll: float(poll.success),
    LAST_SUCCESS: lambda poll: poll.last_success,
    POLL_DURATION: lambda poll: poll.duration,
    POLL_INTERVAL: lambda poll: poll.interval.every,
    MAX_AGE: lambda poll: poll.interval.max_age,
    SERIES: lambda poll: float(poll.series),
    SERIES_FOLDED: lambda poll: float(poll.aggregated),
    SERIES_DROPPED: lambda poll: float(poll.dropped),
}
POLL_FAMILIES = tuple(_POLL_VALUES)


@dataclass(slots=True)
class RequestStats:
    """How the requests of one dataset go, over all its windows."""

    dataset: str
    failures: Counter[FailureReason] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(REQUEST_DURATION.bounds) + 1))
    seconds: float = 0.0
    remaining: float | None = None
    rows_invalid: int = 0
    unavailable: FailureReason | None = None
    not_before: float = 0.0
    """A time of the event loop before which no request is sent."""

    @property
    def requests(self) -> int:
        """The number of requests so far."""
        return sum(self.buckets)

    @property
    def durations(self) -> HistogramValue:
        """The number of requests by duration, and the seconds of all."""
        return HistogramValue(tuple(accumulate(self.buckets)), self.seconds)

    def mark_unavailable(self, reason: FailureReason | None, not_before: float = 0.0) -> None:
        """Record that the server does not have the dataset, or with None that it does."""
        self.unavailable, self.not_before = reason, not_before

    def record_request(self, seconds: float, failure: ApiError | None, remaining: float | None) -> None:
        """Record one request: how long it took, how it ended, and what the rate limit still allows."""
        self.buckets[bisect_left(REQUEST_DURATION.bounds, seconds)] += 1
        self.seconds += seconds
        self.remaining = self.remaining if remaining is None else remaining
        if failure:
            self.failures[failure.reason] += 1

    def collect_samples(self) -> Iterator[Samples]:
        """Yield the samples of all families by dataset."""
        for family, read in _REQUEST_ROWS.items():
            yield Samples(family, read(self))


_REQUEST_ROWS: Mapping[MetricFamily, Callable[[RequestStats], Sequence[SampleRow] | Sequence[HistogramRow]]]
_REQUEST_ROWS = {
    REQUESTS: lambda stats: [((stats.dataset,), float(stats.requests))],
    REQUEST_FAILURES: lambda stats: [
        ((stats.dataset, reason), float(stats.failures[reason])) for reason in REASONS
    ],
    REQUEST_DURATION: lambda stats: [((stats.dataset,), stats.durations)],
    RATE_LIMIT_REMAINING: lambda stats: (
        [] if stats.remaining is None else [((stats.dataset,), stats.remaining)]
    ),
    ROWS_INVALID: lambda stats: [((stats.dataset,), float(stats.rows_invalid))],
    DATASET_AVAILABLE: lambda stats: [
        ((stats.dataset, stats.unavailable or ""), float(stats.unavailable is None))
    ],
}
HEALTH_FAMILIES = (*POLL_FAMILIES, *_REQUEST_ROWS)


@dataclass(slots=True)
class ReloadStatus:
    """How the last config load went."""

    successful: bool = True
    succeeded_at: float = field(default_factory=time.time)

    def record(self, *, successful: bool) -> None:
        """Record a config load."""
        self.successful = successful
        if successful:
            self.succeeded_at = time.time()

    def collect_samples(self) -> Iterable[Samples]:
        """Return the samples of the exporter's own families."""
        yield Samples(BUILD_INFO, (((__version__,), 1.0),))
        yield Samples(RELOAD_SUCCESSFUL, (((), float(self.successful)),))
        yield Samples(RELOAD_TIME, (((), self.succeeded_at),))


def list_exposed_families(datasets: Mapping[str, Dataset]) -> tuple[MetricFamily, ...]:
    """Return the families of all deployments in the order of the exposition, the exporter's own first."""
    return (*HEALTH_FAMILIES, *TOKEN_FAMILIES, *list_data_families(datasets))
