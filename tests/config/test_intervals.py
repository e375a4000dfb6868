"""Poll intervals, and how long values are served."""

import pytest

from insights_exporter.config.intervals import PollInterval, choose_poll_interval
from insights_exporter.config.models import DatasetOptions, Deployment, Window
from insights_exporter.datasets.registry import DATASETS

URL = "https://coder.example.com"
MINUTE, HOUR = 60.0, 3600.0


def window(days: int, every: float | None = None, max_age: float | None = None) -> Window:
    """Return a window of `days`."""
    return Window(name="some", days=days, every=every, max_age=max_age)


@pytest.mark.parametrize(
    ("dataset", "days", "expected"),
    [
        ("templates", 1, PollInterval(5 * MINUTE, 15 * MINUTE)),
        ("templates", 2, PollInterval(15 * MINUTE, 45 * MINUTE)),
        ("user-latency", 7, PollInterval(15 * MINUTE, 45 * MINUTE)),
        ("user-activity", 8, PollInterval(HOUR, 3 * HOUR)),
        ("template-breakdown", 30, PollInterval(HOUR, 3 * HOUR)),
        ("daus", None, PollInterval(5 * MINUTE, 15 * MINUTE)),
        ("user-status-counts", None, PollInterval(15 * MINUTE, 45 * MINUTE)),
        *((name, None, PollInterval(HOUR, 3 * HOUR)) for name in ("periods", "groups", "license")),
    ],
)
def test_default_intervals(dataset: str, days: int | None, expected: PollInterval) -> None:
    """Short windows are polled more often; values outlive two failed polls."""
    default = DATASETS[dataset].default_interval
    shown = None if days is None else window(days)

    assert expected == choose_poll_interval(Deployment(url=URL), DatasetOptions(), shown, default)


@pytest.mark.parametrize(
    ("of_dataset", "of_window", "expected"),
    [(None, None, 900.0), (60.0, None, 60.0), (None, 30.0, 30.0), (60.0, 30.0, 30.0)],
    ids=["neither", "dataset", "window", "both"],
)
def test_interval_of_the_window_has_priority(
    of_dataset: float | None, of_window: float | None, expected: float
) -> None:
    """A window's `every` overrides its dataset's, which overrides the default."""
    options = DatasetOptions(every=of_dataset)

    assert expected == choose_poll_interval(Deployment(url=URL), options, window(7, every=of_window)).every


@pytest.mark.parametrize(
    ("of_deployment", "of_dataset", "of_window", "expected"),
    [
        (None, None, None, 2700.0),
        (7.0, None, None, 7.0),
        (7.0, 8.0, None, 8.0),
        (7.0, 8.0, 9.0, 9.0),
        (7.0, None, 9.0, 9.0),
    ],
    ids=["none", "deployment", "dataset", "window", "window over deployment"],
)
def test_most_specific_max_age_is_used(
    of_deployment: float | None, of_dataset: float | None, of_window: float | None, expected: float
) -> None:
    """A configured `max_age` may be shorter than the default."""
    deployment, options = Deployment(url=URL, max_age=of_deployment), DatasetOptions(max_age=of_dataset)

    assert expected == choose_poll_interval(deployment, options, window(7, max_age=of_window)).max_age


def test_default_max_age_is_at_least_15_minutes() -> None:
    """Fast polls do not shorten it further."""
    fast = window(7, every=10.0)

    assert 15 * MINUTE == choose_poll_interval(Deployment(url=URL), DatasetOptions(), fast).max_age
