"""What is known about the polling of a dataset, and the samples that say so."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from insights_exporter.coder.errors import REASONS, ApiError, FailureReason
from insights_exporter.config.intervals import PollInterval
from insights_exporter.exposition.family import HistogramValue, Samples
from insights_exporter.polling import metrics as own


@dataclass(slots=True)
class PollStatus:
    """How the polls of one dataset and window go."""

    dataset: str
    window: str
    pace: PollInterval
    success: bool = False
    last_success: float = 0.0
    duration: float | None = None
    series: int = 0
    folded: int = 0
    dropped: int = 0
    finished: bool = False
    since: float | None = None
    """When it began to succeed, or to fail, as it does now."""
    failures: int = 0
    failure: ApiError | None = None

    def succeeded(self, now: float, seconds: float) -> None:
        """Take note of a poll that gave its data."""
        self.since = self.since if self.success else now
        self.success, self.last_success, self.duration, self.finished = True, now, seconds, True
        self.failures, self.failure = 0, None

    def failed(self, now: float, seconds: float, failure: ApiError) -> None:
        """Take note of a poll that gave nothing."""
        self.since = self.since if self.failure else now
        self.success, self.duration, self.finished = False, seconds, True
        self.failures += 1
        self.failure = failure.with_traceback(None)

    def samples(self) -> Iterator[Samples]:
        """Give the samples of all families by dataset and window."""
        labels = (self.dataset, self.window)
        values = {
            own.POLL_SUCCESS: float(self.success),
            own.LAST_SUCCESS: self.last_success,
            own.POLL_DURATION: self.duration,
            own.POLL_INTERVAL: self.pace.every,
            own.MAX_AGE: self.pace.max_age,
            own.SERIES: float(self.series),
            own.SERIES_FOLDED: float(self.folded),
            own.SERIES_DROPPED: float(self.dropped),
        }
        for family, value in values.items():
            yield Samples(family, () if value is None else ((labels, value),))


@dataclass(slots=True)
class RequestStats:
    """How the requests of one dataset go, over all its windows."""

    dataset: str
    failures: Counter[FailureReason] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(own.REQUEST_DURATION.bounds) + 1))
    seconds: float = 0.0
    remaining: float | None = None
    rows_invalid: int = 0
    unavailable: FailureReason | None = None
    not_before: float = 0.0
    """A time of the loop before which asking is no use."""

    @property
    def requests(self) -> int:
        """Count all requests so far."""
        return sum(self.buckets)

    def lacks(self, reason: FailureReason, not_before: float) -> None:
        """Take note that the server does not have the dataset."""
        self.unavailable, self.not_before = reason, not_before

    def found(self) -> None:
        """Take note that the server has the dataset, as far as is known."""
        self.unavailable, self.not_before = None, 0.0

    def request_ended(self, seconds: float, failure: ApiError | None, remaining: float | None) -> None:
        """Take note of one request: how long it took and how it ended."""
        self.buckets[bisect_left(own.REQUEST_DURATION.bounds, seconds)] += 1
        self.seconds += seconds
        self.remaining = self.remaining if remaining is None else remaining
        if failure:
            self.failures[failure.reason] += 1

    def samples(self) -> Iterator[Samples]:
        """Give the samples of all families by dataset."""
        labels = (self.dataset,)
        yield Samples(own.REQUESTS, ((labels, float(self.requests)),))
        yield Samples(
            own.REQUEST_FAILURES,
            tuple(((*labels, reason), float(self.failures[reason])) for reason in REASONS),
        )
        yield Samples(own.REQUEST_DURATION, ((labels, self._durations()),))
        yield Samples(own.RATE_LIMIT_REMAINING, () if self.remaining is None else ((labels, self.remaining),))
        yield Samples(own.ROWS_INVALID, ((labels, float(self.rows_invalid)),))
        available = ((*labels, self.unavailable or ""), float(self.unavailable is None))
        yield Samples(own.DATASET_AVAILABLE, (available,))

    def _durations(self) -> HistogramValue:
        counts, sofar = [], 0
        for count in self.buckets:
            sofar += count
            counts.append(sofar)
        return HistogramValue(tuple(counts), self.seconds)
