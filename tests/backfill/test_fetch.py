"""What is requested for a day of the past."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from insights_exporter.backfill.fetch import (
    Include,
    build_historic_requests,
    restrict_config,
    select_datasets,
)
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets.base import PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.datasets.timerange import find_midnight

BERLIN = "Europe/Berlin"


def deployment(**config: object) -> Deployment:
    """Return a deployment in Berlin."""
    return Deployment.model_validate(
        {"url": "https://coder.example.com", "token": "x-x", "timezone": BERLIN, **config}
    )


def context(config: Deployment, window: Window | None, day: date) -> PollContext:
    """Return the context of a day's first instant."""
    return PollContext(config, window, find_midnight(day, ZoneInfo(BERLIN)), in_use=("t1",))


@pytest.mark.parametrize("dataset", ["templates", "template-breakdown", "user-activity"])
def test_window_ends_at_the_midnight_of_its_day(dataset: str) -> None:
    """A day holds the value of the window that ended as it began: whole days, over a change of clocks."""
    config = deployment()
    week = next(window for window in config.windows if window.name == "7d")

    (_, sent), *_ = build_historic_requests(DATASETS[dataset], context(config, week, date(2026, 3, 31)))

    assert sent.span
    assert sent.span.start == datetime.fromisoformat("2026-03-24T00:00:00+01:00")
    assert sent.span.end == datetime.fromisoformat("2026-03-31T00:00:00+02:00")


def test_daus_requests_the_day_before() -> None:
    """Of the days that `daus` shows, only yesterday has a history."""
    config = deployment()

    pairs = build_historic_requests(DATASETS["daus"], context(config, None, date(2026, 3, 30)))

    assert ["yesterday"] == [sent.subject for _, sent in pairs]
    assert pairs[0][1].span
    assert pairs[0][1].span.start == datetime.fromisoformat("2026-03-29T00:00:00+01:00")
    assert pairs[0][1].span.end == datetime.fromisoformat("2026-03-30T00:00:00+02:00")


def test_running_day_has_no_history() -> None:
    """`today` is removed; windows of whole days stay."""
    config = restrict_config(
        deployment(windows=["today", "7d", {"name": "d", "days": 1, "include_today": False}]), Include()
    )

    assert [window.name for window in config.windows] == ["7d", "d"]


@pytest.mark.parametrize(
    ("include", "datasets", "parameters"),
    [
        pytest.param(Include(), 4, (), id="default"),
        pytest.param(Include(parameters=True), 4, ("7d",), id="parameters"),
        pytest.param(Include(users=True), 6, (), id="users"),
    ],
)
def test_parameters_and_users_must_be_included(
    include: Include, datasets: int, parameters: tuple[str, ...]
) -> None:
    """By default history has neither parameters nor users."""
    config = restrict_config(deployment(), include)

    assert len(list(select_datasets(config, include, DATASETS))) == datasets
    assert config.parameters.windows == parameters


def test_dataset_that_is_off_has_no_history() -> None:
    """A dataset that is not polled is not requested for the past either."""
    config = deployment(datasets={"daus": {"enabled": False}})

    assert "daus" not in [dataset.name for dataset in select_datasets(config, Include(), DATASETS)]
