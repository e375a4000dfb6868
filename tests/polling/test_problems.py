"""What is wrong with a deployment, each problem once."""

from insights_exporter.coder.errors import REMEDIES, ApiError, FailureReason
from insights_exporter.config.intervals import PollInterval
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.polling.jobs import Job
from insights_exporter.polling.problems import Problem, find_problems
from insights_exporter.polling.status import PollStatus, RequestStats


def job(dataset: str, failure: ApiError | None, unavailable: FailureReason | None = None) -> Job:
    """Return a job whose last poll ended with a failure, or without one."""
    poll = PollStatus(dataset, "", PollInterval(300.0, 900.0), failure=failure)
    return Job(DATASETS[dataset], None, poll, RequestStats(dataset, unavailable=unavailable))


def test_each_problem_is_found_once() -> None:
    """Failures with one remedy are one problem; what the server does not have is none."""
    jobs = (
        job("daus", ApiError("token_expired", "HTTP 401 for /insights/daus")),
        job("templates", ApiError("token_expired", "HTTP 401 for /insights/templates")),
        job("templates", ApiError("token_expired", "HTTP 401 for /insights/templates")),
        job("periods", ApiError("disabled", "HTTP 404"), "disabled"),
        job("user-status-counts", ApiError("unsupported", "HTTP 404"), "unsupported"),
        job("user-latency", None),
    )

    expired = REMEDIES["token_expired"]
    assert (
        Problem("unauthorized", ("daus", "templates"), "HTTP 401 for /insights/daus", expired),
        Problem("disabled", ("periods",), "HTTP 404", REMEDIES["disabled"]),
    ) == find_problems(jobs)


def test_missing_role_is_one_problem() -> None:
    """A missing role is one problem, although Coder forbids some paths and hides others."""
    jobs = (
        job("daus", ApiError("forbidden", "HTTP 403 for /insights/daus")),
        job("templates", ApiError("not_permitted", "HTTP 404 for /insights/templates")),
    )

    lacking = Problem(
        "forbidden", ("daus", "templates"), "HTTP 403 for /insights/daus", REMEDIES["forbidden"]
    )
    assert (lacking,) == find_problems(jobs)
