"""The jobs of a config."""

import pytest

from insights_exporter.coder.errors import ApiError
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.polling.jobs import Availability, Job, build_jobs
from tests.coder.deployments import deployment


def jobs(**config: object) -> list[Job]:
    """Return the jobs of a deployment."""
    return list(build_jobs(deployment("https://coder.example.com", **config), DATASETS))


EVERYTHING = [
    "daus/",
    "periods/",
    "templates/today",
    "templates/7d",
    "templates/30d",
    "template-breakdown/7d",
    "user-activity/today",
    "user-activity/7d",
    "user-activity/30d",
    "user-latency/today",
    "user-latency/7d",
    "user-latency/30d",
    "user-status-counts/",
    "template-list/",
    "license/",
]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param({}, EVERYTHING, id="defaults"),
        pytest.param(
            {"datasets": {"user-latency": {"enabled": False}, "daus": {"enabled": False}}},
            [name for name in EVERYTHING if not name.startswith(("user-latency", "daus"))],
            id="some off",
        ),
        pytest.param(
            {"datasets": {"templates": {"enabled": False}}},
            [name for name in EVERYTHING if not name.startswith(("templates", "template-breakdown"))],
            id="no breakdown without templates",
        ),
        pytest.param(
            {"templates": {"breakdown": False}},
            [name for name in EVERYTHING if not name.startswith("template-breakdown")],
            id="no breakdown",
        ),
    ],
)
def test_one_job_per_dataset_and_window(config: dict[str, object], expected: list[str]) -> None:
    """The config decides which datasets and windows have jobs, and how often they run."""
    assert expected == [job.name for job in jobs(**config)]


def test_windows_of_a_dataset_share_their_requests() -> None:
    """Requests are counted by dataset, polls by dataset and window."""
    today, week, month = [job for job in jobs() if job.dataset.name == "templates"]

    assert today.request_stats is week.request_stats is month.request_stats
    assert [300.0, 900.0, 3600.0] == [job.status.interval.every for job in (today, week, month)]


def test_job_is_tried_once_its_poll_ended() -> None:
    """A job is tried after a success, after a failure, and if the server lacks its dataset."""
    good, bad, unavailable, new = jobs()[:4]
    good.status.record_success(0, 0)
    bad.status.record_failure(0, 0, ApiError("timeout", ""))
    unavailable.request_stats.unavailable = "unsupported"

    assert [True, True, True] == [job.is_tried for job in (good, bad, unavailable)]
    assert new.request_stats is unavailable.request_stats or not new.is_tried


def test_available_dataset_advances_what_waited_for_it() -> None:
    """The other windows and the dependent datasets run soon, but not the job that found the dataset."""
    advanced: list[str] = []
    all_jobs = jobs()
    availability = Availability(all_jobs, lambda job: advanced.append(job.name))
    (found,) = (job for job in all_jobs if job.name == "templates/7d")

    availability.record_failure(found, ApiError("disabled", ""), started=0)
    availability.mark_available(found)
    availability.mark_available(found)

    assert ["templates/today", "templates/30d", "template-breakdown/7d"] == advanced
