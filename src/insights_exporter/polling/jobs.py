"""The jobs of a deployment: one per dataset and window."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from insights_exporter.config.intervals import choose_poll_interval
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import select_enabled
from insights_exporter.polling.status import PollStatus, RequestStats


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One dataset and window that is polled periodically, and its state."""

    dataset: Dataset
    window: Window | None
    status: PollStatus
    request_stats: RequestStats

    @property
    def name(self) -> str:
        """The name of the job among those of its deployment."""
        return f"{self.status.dataset}/{self.status.window}"

    @property
    def covers_single_day(self) -> bool:
        """Whether its window is one calendar day, so that all its data is of another day after midnight."""
        return self.window is not None and self.window.days == 1

    @property
    def ends_at_midnight(self) -> bool:
        """Whether some of its data end at midnight."""
        return self.covers_single_day or any(family.expires_at_midnight for family in self.dataset.families)

    @property
    def is_tried(self) -> bool:
        """Whether it was polled once, or cannot be."""
        return self.status.finished or self.request_stats.unavailable is not None


def build_jobs(deployment: Deployment, datasets: Mapping[str, Dataset]) -> Iterator[Job]:
    """Yield the jobs of the enabled datasets, in the order of `datasets`."""
    for dataset in select_enabled(deployment, datasets):
        request_stats, options = RequestStats(dataset.name), dataset.get_options(deployment)
        for window in dataset.windows(deployment):
            interval = choose_poll_interval(deployment, options, window, dataset.default_interval)
            status = PollStatus(dataset.name, window.name if window else "", interval)
            yield Job(dataset, window, status, request_stats)
