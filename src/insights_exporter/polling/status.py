"""The status of polls and requests, and its samples."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from insights_exporter.coder.errors import REASONS, ApiError, FailureReason
from insights_exporter.config.intervals import PollInterval
from insights_exporter.exposition.family import HistogramValue, Samples
from insights_exporter.polling import metrics


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
        values = {
            metrics.POLL_SUCCESS: float(self.success),
            metrics.LAST_SUCCESS: self.last_success,
            metrics.POLL_DURATION: self.duration,
            metrics.POLL_INTERVAL: self.interval.every,
            metrics.MAX_AGE: self.interval.max_age,
            metrics.SERIES: float(self.series),
            metrics.SERIES_FOLDED: float(self.aggregated),
            metrics.SERIES_DROPPED: float(self.dropped),
        }
        for family, value in values.items():
            yield Samples(family, () if value is None else (((self.dataset, self.window), value),))


@dataclass(slots=True)
class RequestStats:
    """How the requests of one dataset go, over all its windows."""

    dataset: str
    failures: Counter[FailureReason] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(metrics.REQUEST_DURATION.bounds) + 1))
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

    def mark_unavailable(self, reason: FailureReason | None, not_before: float = 0.0) -> None:
        """Record that the server does not have the dataset, or with None that it does."""
        self.unavailable, self.not_before = reason, not_before

    def record_request(self, seconds: float, failure: ApiError | None, remaining: float | None) -> None:
        """Record one request: how long it took, how it ended, and what the rate limit still allows."""
        self.buckets[bisect_left(metrics.REQUEST_DURATION.bounds, seconds)] += 1
        self.seconds += seconds
        self.remaining = self.remaining if remaining is None else remaining
        if failure:
            self.failures[failure.reason] += 1

    def collect_samples(self) -> Iterator[Samples]:
        """Yield the samples of all families by dataset."""
        labels = (self.dataset,)
        durations = HistogramValue(tuple(accumulate(self.buckets)), self.seconds)
        failures = tuple(((*labels, reason), float(self.failures[reason])) for reason in REASONS)
        available = ((*labels, self.unavailable or ""), float(self.unavailable is None))
        yield Samples(metrics.REQUESTS, ((labels, float(self.requests)),))
        yield Samples(metrics.REQUEST_FAILURES, failures)
        yield Samples(metrics.REQUEST_DURATION, ((labels, durations),))
        yield Samples(
            metrics.RATE_LIMIT_REMAINING, () if self.remaining is None else ((labels, self.remaining),)
        )
        yield Samples(metrics.ROWS_INVALID, ((labels, float(self.rows_invalid)),))
        yield Samples(metrics.DATASET_AVAILABLE, (available,))
