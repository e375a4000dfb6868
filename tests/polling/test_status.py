"""The status of polls, requests and reloads, and its samples."""

from typing import Any

import time_machine

from insights_exporter import __version__
from insights_exporter.coder.errors import REASONS, ApiError
from insights_exporter.config.intervals import PollInterval
from insights_exporter.polling.status import (
    BUILD_INFO,
    RELOAD_SUCCESSFUL,
    RELOAD_TIME,
    REQUEST_DURATION,
    PollStatus,
    ReloadStatus,
    RequestStats,
)
from tests.polling.polled_deployment import START

FAILURE = ApiError("timeout", "no complete response within 30 s")


def poll() -> PollStatus:
    """Return the status of a job that was not polled."""
    return PollStatus("templates", "7d", PollInterval(900, 2700))


def values_by_family(status: PollStatus | RequestStats) -> dict[str, Any]:
    """Return the values by family, without the prefix; of several rows by their last label."""
    values: dict[str, Any] = {}
    for samples in status.collect_samples():
        name = samples.family.name.removeprefix("insights_exporter_")
        rows = {labels[-1]: value for labels, value in samples.rows}
        values[name] = next(iter(rows.values())) if len(rows) == 1 else rows or None
    return values


def test_before_the_first_poll() -> None:
    """No success, no series, the configured interval and max_age, and no duration."""
    assert {
        "poll_success": 0.0,
        "last_success_timestamp_seconds": 0.0,
        "poll_duration_seconds": None,
        "poll_interval_seconds": 900,
        "max_age_seconds": 2700,
        "series": 0.0,
        "series_folded": 0.0,
        "series_dropped": 0.0,
    } == values_by_family(poll())


def test_after_a_good_poll() -> None:
    """The end and the duration of the poll are exposed."""
    status = poll()
    status.record_success(now=1e9, seconds=2.5)

    assert {"poll_success": 1.0, "last_success_timestamp_seconds": 1e9, "poll_duration_seconds": 2.5} == {
        name: value
        for name, value in values_by_family(status).items()
        if "_success" in name or "duration" in name
    }


def test_failure_keeps_the_time_of_the_last_success() -> None:
    """A failure is exposed at once, and counted with its reason."""
    status = poll()
    status.record_success(now=1e9, seconds=2.5)
    status.record_failure(now=2e9, seconds=30, failure=FAILURE)
    status.record_failure(now=3e9, seconds=30, failure=FAILURE)

    values = values_by_family(status)
    assert (0.0, 1e9) == (values["poll_success"], values["last_success_timestamp_seconds"])
    assert (2, FAILURE) == (status.failures, status.failure)

    status.record_success(now=4e9, seconds=1)

    assert (0, None) == (status.failures, status.failure)


def test_planned_aggregation_and_dropped_series_are_counted_apart() -> None:
    """`series_folded` counts what limits aggregate, `series_dropped` what max_series drops."""
    status = poll()
    status.aggregated, status.dropped, status.series = 3, 40, 7
    values = values_by_family(status)

    assert (3.0, 40.0, 7.0) == (values["series_folded"], values["series_dropped"], values["series"])


def test_before_the_first_request() -> None:
    """Each reason starts at 0, so that `increase` sees the first failure; the dataset is available."""
    values = values_by_family(RequestStats("daus"))

    assert 0.0 == values["requests_total"]
    assert dict.fromkeys(REASONS, 0.0) == values["request_failures_total"]
    assert (0,) * (len(REQUEST_DURATION.bounds) + 1) == values["request_duration_seconds"].counts
    assert (None, 0.0, 1.0) == (
        values["rate_limit_remaining"],
        values["rows_invalid_total"],
        values["dataset_available"],
    )


def test_requests_are_counted_by_outcome() -> None:
    """Duration, reason and the remaining rate limit, which stays if a response lacks it."""
    status = RequestStats("daus")
    status.record_request(0.05, None, 511)
    status.record_request(31, FAILURE, None)
    status.record_request(0.3, None, None)
    values = values_by_family(status)

    assert (3.0, 1.0) == (values["requests_total"], values["request_failures_total"]["timeout"])
    assert (1, 1, 1, 2, 2, 2, 2, 2, 2, 3) == values["request_duration_seconds"].counts
    assert 31.35 == values["request_duration_seconds"].total
    assert 511 == values["rate_limit_remaining"]


def test_unavailable_dataset_has_a_reason() -> None:
    """The reason is a label, empty while the dataset is available."""
    status = RequestStats("user-status-counts")
    status.unavailable = "unsupported"
    (available,) = [one for one in status.collect_samples() if one.family.name.endswith("dataset_available")]

    assert [(("user-status-counts", "unsupported"), 0.0)] == available.rows


def rows_by_family(reloads: ReloadStatus) -> dict[str, object]:
    """Return the rows by family."""
    return {samples.family.name: samples.rows for samples in reloads.collect_samples()}


def test_start_counts_as_a_load() -> None:
    """The config was loaded when the exporter started, and its version is exposed."""
    with time_machine.travel(START, tick=False):
        reloads = ReloadStatus()

    assert {
        BUILD_INFO.name: (((__version__,), 1.0),),
        RELOAD_SUCCESSFUL.name: (((), 1.0),),
        RELOAD_TIME.name: (((), START.timestamp()),),
    } == rows_by_family(reloads)


def test_failed_reload_keeps_the_time_of_the_last_success() -> None:
    """After a failed reload success is 0, with the time of the last successful load."""
    with time_machine.travel(START, tick=False) as clock:
        reloads = ReloadStatus()
        clock.shift(60)
        reloads.record(successful=False)

        assert ((((), 0.0),), (((), START.timestamp()),)) == tuple(rows_by_family(reloads).values())[1:]

        reloads.record(successful=True)

        assert ((((), 1.0),), (((), START.timestamp() + 60),)) == tuple(rows_by_family(reloads).values())[1:]
