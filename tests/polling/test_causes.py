"""What is wrong with a deployment, each cause once."""

from insights_exporter.coder.errors import REMEDIES, Reason, RequestFailed
from insights_exporter.config.intervals import Pace
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.polling.causes import Cause, find_causes
from insights_exporter.polling.jobs import Job, Kept
from insights_exporter.polling.status import PollHealth, RequestHealth


def job(dataset: str, failure: RequestFailed | None, unavailable: Reason | None = None) -> Job:
    """Return a job whose last poll ended with a failure, or without one."""
    poll = PollHealth(dataset, "", Pace(300.0, 900.0), failure=failure)
    return Job(DATASETS[dataset], None, poll, RequestHealth(dataset, unavailable=unavailable), Kept(900.0))


def test_each_cause_is_found_once() -> None:
    """Failures with one remedy are one cause; what the server does not have is none."""
    jobs = (
        job("daus", RequestFailed("token_expired", "HTTP 401 for /insights/daus")),
        job("templates", RequestFailed("token_expired", "HTTP 401 for /insights/templates")),
        job("templates", RequestFailed("token_expired", "HTTP 401 for /insights/templates")),
        job("periods", RequestFailed("disabled", "HTTP 404"), "disabled"),
        job("user-status-counts", RequestFailed("unsupported", "HTTP 404"), "unsupported"),
        job("user-latency", None),
    )

    expired = REMEDIES["token_expired"]
    assert (
        Cause("unauthorized", ("daus", "templates"), "HTTP 401 for /insights/daus", expired),
        Cause("disabled", ("periods",), "HTTP 404", REMEDIES["disabled"]),
    ) == find_causes(jobs)


def test_missing_role_is_one_cause() -> None:
    """A missing role is one cause, although Coder forbids some paths and hides others."""
    jobs = (
        job("daus", RequestFailed("forbidden", "HTTP 403 for /insights/daus")),
        job("templates", RequestFailed("not_permitted", "HTTP 404 for /insights/templates")),
    )

    lacking = Cause("forbidden", ("daus", "templates"), "HTTP 403 for /insights/daus", REMEDIES["forbidden"])
    assert (lacking,) == find_causes(jobs)
