"""Poll intervals, and how long values are served."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from insights_exporter.config.errors import KeyPath
from insights_exporter.config.models import DatasetOptions, Deployment, Window

ROLLUP_INTERVAL = 300.0
"""Seconds between updates of Coder's statistics; polls in between return the same numbers."""
HOUR = 3600.0

_BY_DAYS = ((1, 300.0), (7, 900.0), (math.inf, HOUR))
_MAX_AGE_INTERVALS = 3
_MIN_MAX_AGE = 900.0


@dataclass(frozen=True, slots=True)
class PollInterval:
    """Seconds between polls, and seconds that a value is served after its last successful poll."""

    every: float
    max_age: float


def choose_poll_interval(
    deployment: Deployment,
    dataset: DatasetOptions,
    window: Window | None,
    default: float | None = None,
) -> PollInterval:
    """Return the interval of a dataset for `window` (None if the dataset has none).

    `default` is the dataset's own default interval; without one the days of the window decide.
    """
    days = window.days if window else math.inf
    by_days = next(every for limit, every in _BY_DAYS if days <= limit)
    every = (window and window.every) or dataset.every or default or by_days
    max_age = (window and window.max_age) or dataset.max_age or deployment.max_age
    return PollInterval(every, max_age or max(_MAX_AGE_INTERVALS * every, _MIN_MAX_AGE))


def list_intervals(deployment: Deployment) -> Iterator[tuple[KeyPath, float]]:
    """Yield each configured `every` with its place."""
    for index, window in enumerate(deployment.windows):
        if window.every is not None:
            yield ("windows", index, "every"), window.every
    for name, dataset in deployment.datasets.items():
        if dataset.every is not None:
            yield ("datasets", name, "every"), dataset.every
