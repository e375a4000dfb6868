"""The exporter's own metric families."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from insights_exporter import __version__
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import list_data_families
from insights_exporter.datasets.server_info import TOKEN_FAMILIES
from insights_exporter.exposition.family import MetricFamily, Samples

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

POLL_FAMILIES = (
    POLL_SUCCESS,
    LAST_SUCCESS,
    POLL_DURATION,
    POLL_INTERVAL,
    MAX_AGE,
    SERIES,
    SERIES_FOLDED,
    SERIES_DROPPED,
)
REQUEST_FAMILIES = (
    REQUESTS,
    REQUEST_FAILURES,
    REQUEST_DURATION,
    RATE_LIMIT_REMAINING,
    ROWS_INVALID,
    DATASET_AVAILABLE,
)
HEALTH_FAMILIES = POLL_FAMILIES + REQUEST_FAMILIES


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
