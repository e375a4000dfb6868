"""Publishing: data together with their health, expiry, and removal."""

import asyncio
from collections.abc import Callable, Coroutine

from insights_exporter.coder.errors import ApiError
from insights_exporter.config.intervals import PollInterval
from insights_exporter.datasets.registry import DATASETS, list_data_families
from insights_exporter.exposition.family import Samples
from insights_exporter.exposition.text import render_all
from insights_exporter.polling.publisher import PageStore, PollEntry, Publisher
from insights_exporter.polling.status import (
    HEALTH_FAMILIES,
    REQUEST_FAILURES,
    SERIES,
    SERIES_DROPPED,
    PollStatus,
    RequestStats,
)
from tests.polling.polled_deployment import run_on_fast_clock

BY_NAME = {family.name: family for family in list_data_families(DATASETS)}
DAILY = BY_NAME["coder_insights_template_daily_active_users"]
ACTIVITY = BY_NAME["coder_insights_user_activity_seconds"]
DATA = render_all(
    [
        Samples(DAILY, [(("today", "acme", "docker", "id"), 3.0)]),
        Samples(ACTIVITY, [(("7d", "id", name), 1.0) for name in "ab"]),
    ],
    "dev",
)
DAY_ENDS, EXPIRES = 100.0, 200.0


class Published:
    """A publisher with one job, and its page store."""

    def __init__(self, max_series: int = 100) -> None:
        self.pages = PageStore((*list_data_families(DATASETS), *HEALTH_FAMILIES))
        self.publisher = Publisher("dev", max_series, self.pages)
        self.source = self.publisher.name_source("template-breakdown", "7d")
        self.requests = RequestStats("template-breakdown")
        self.publisher.register(PollStatus("template-breakdown", "7d", PollInterval(300, 900)), self.requests)

    def serve(self) -> None:
        """Publish the data."""
        now = asyncio.get_running_loop().time()
        entry = PollEntry(families=DATA, expires=now + EXPIRES, day_ends=now + DAY_ENDS, details=None)
        self.publisher.publish({self.source: entry})

    async def run(self, seconds: float) -> None:
        """Let entries expire for a while."""
        task = asyncio.create_task(self.pages.run())
        await asyncio.sleep(seconds)
        task.cancel()

    def list_exposed_families(self) -> set[str]:
        """Return the exposed families of Coder."""
        return {
            name
            for name, by_deployment in self.pages.snapshot.parts.items()
            if name.startswith("coder") and by_deployment
        }

    def health(self) -> list[bytes]:
        """Return the lines of exposed and dropped series."""
        return [
            part.sections[-1]
            for family in (SERIES, SERIES_DROPPED)
            for part in self.pages.snapshot.parts[family.name].get("dev", {}).values()
        ]


def run_published(
    steps: Callable[[Published], Coroutine[None, None, None]], max_series: int = 100
) -> Published:
    """Run steps with a publisher on the fast clock."""

    async def scenario() -> Published:
        published = Published(max_series)
        await steps(published)
        return published

    return run_on_fast_clock(scenario)


def health_lines(series: int, dropped: int) -> list[bytes]:
    """Return the health lines with these values."""
    labels = b'{dataset="template-breakdown",deployment="dev",window="7d"}'
    return [
        b"insights_exporter_series%s %.1f\n" % (labels, series),
        b"insights_exporter_series_dropped%s %.1f\n" % (labels, dropped),
    ]


def test_data_are_published_with_their_health() -> None:
    """The series and their count are in the same change of the page."""

    async def steps(published: Published) -> None:
        published.serve()

    published = run_published(steps)

    assert {DAILY.name, ACTIVITY.name} == published.list_exposed_families()
    assert health_lines(3, 0) == published.health()


def test_dropped_series_are_counted() -> None:
    """Series above max_series are counted as dropped, not as exposed."""

    async def steps(published: Published) -> None:
        published.serve()

    published = run_published(steps, max_series=2)

    assert {DAILY.name} == published.list_exposed_families()
    assert health_lines(1, 2) == published.health()


def test_series_of_a_day_expire_without_a_poll() -> None:
    """Only they expire, and the health counts what remains."""

    async def steps(published: Published) -> None:
        published.serve()
        await published.run(DAY_ENDS + 1)

    published = run_published(steps)

    assert {ACTIVITY.name} == published.list_exposed_families()
    assert health_lines(2, 0) == published.health()


def test_expired_data_leave_only_their_health() -> None:
    """All series of the data expire; the health of the polls stays."""

    async def steps(published: Published) -> None:
        published.serve()
        await published.run(EXPIRES + 1)

    published = run_published(steps)

    assert set() == published.list_exposed_families()
    assert health_lines(0, 0) == published.health()


def test_health_of_an_unavailable_dataset_is_removed() -> None:
    """Its poll metrics are removed, so that nothing alerts; its requests are still exposed."""

    async def steps(published: Published) -> None:
        published.publisher.publish_statuses(["template-breakdown"])
        assert health_lines(0, 0) == published.health()
        published.requests.unavailable = "disabled"
        published.publisher.publish_statuses(["template-breakdown"])

    published = run_published(steps)
    (available,) = published.pages.snapshot.parts["insights_exporter_dataset_available"]["dev"].values()

    assert [] == published.health()
    assert b'reason="disabled"} 0.0\n' in available.sections[-1]


def test_closed_publisher_exposes_nothing() -> None:
    """All series are removed, and a poll that is still running publishes nothing."""

    async def steps(published: Published) -> None:
        published.serve()
        published.publisher.publish_statuses(["template-breakdown"])
        published.publisher.close()
        published.serve()
        published.publisher.publish_statuses(["template-breakdown"])

    published = run_published(steps)

    assert {} == {name: parts for name, parts in published.pages.snapshot.parts.items() if parts}


def test_failure_is_exposed_before_the_poll_has_ended() -> None:
    """A failed request is counted at once, not after the retries."""

    async def steps(published: Published) -> None:
        failure = ApiError("timeout", "")
        published.publisher.record_request(published.requests, 0.1, failure, None)

    published = run_published(steps)
    (failures,) = published.pages.snapshot.parts[REQUEST_FAILURES.name]["dev"].values()

    assert b'reason="timeout"} 1.0' in failures.sections[-1]
