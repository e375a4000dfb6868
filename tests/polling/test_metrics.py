"""The exporter's own metrics that belong to no deployment."""

import time_machine

from insights_exporter import __version__
from insights_exporter.polling.metrics import (
    BUILD_INFO,
    RELOAD_SUCCESSFUL,
    RELOAD_TIME,
    ReloadStatus,
)
from tests.polling.polled_deployment import START


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
