"""How often each dataset is polled, and how long its values are served."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from insights_exporter.config.errors import KeyPath
from insights_exporter.config.models import DatasetName, Deployment, Window, dataset_options

ROLLUP_INTERVAL = 300.0
"""How often Coder renews its statistics: polls in between bring the same numbers."""

_BY_DATASET: Mapping[str, float] = MappingProxyType(
    {"daus": 300.0, "user-status-counts": 900.0, "periods": 3600.0}
)
_BY_DAYS = ((1, 300.0), (7, 900.0))
_LONGER = 3600.0
_AGE_IN_INTERVALS = 3
_LEAST_AGE = 900.0


@dataclass(frozen=True, slots=True)
class PollInterval:
    """Seconds from poll to poll, and seconds that a value is served after its last good poll."""

    every: float
    max_age: float


def poll_interval(deployment: Deployment, dataset: DatasetName, window: Window | None) -> PollInterval:
    """Give the pace of `dataset` for `window` (None where the dataset has none)."""
    own = dataset_options(deployment, dataset)
    every = (window and window.every) or own.every or _default_every(dataset, window)
    written = (window and window.max_age) or own.max_age or deployment.max_age
    return PollInterval(every, written or max(_AGE_IN_INTERVALS * every, _LEAST_AGE))


def configured_intervals(deployment: Deployment) -> Iterator[tuple[KeyPath, float]]:
    """Give each `every` that is written, with its place."""
    for index, window in enumerate(deployment.windows):
        if window.every is not None:
            yield ("windows", index, "every"), window.every
    for name, dataset in deployment.datasets.items():
        if dataset.every is not None:
            yield ("datasets", name, "every"), dataset.every


def _default_every(dataset: DatasetName, window: Window | None) -> float:
    if window is None or dataset in _BY_DATASET:
        return _BY_DATASET.get(dataset, _LONGER)
    return next((every for days, every in _BY_DAYS if window.days <= days), _LONGER)
