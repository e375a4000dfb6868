"""The jobs of a deployment: one a dataset and window."""

from collections.abc import Iterator
from dataclasses import dataclass

from insights_exporter.config.pace import pace
from insights_exporter.config.settings import Deployment, Window, dataset_settings
from insights_exporter.datasets.dataset import Dataset
from insights_exporter.datasets.table import DATASETS
from insights_exporter.polling.health import PollHealth, RequestHealth
from insights_exporter.polling.kept import Kept


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One dataset and window that is polled again and again, and what is known of it."""

    dataset: Dataset
    window: Window | None
    poll: PollHealth
    requests: RequestHealth
    kept: Kept

    @property
    def name(self) -> str:
        """Name the job among those of its deployment."""
        return f"{self.poll.dataset}/{self.poll.window}"

    @property
    def names_a_day(self) -> bool:
        """Whether its window is one calendar day, so that all its data are of another day after midnight."""
        return self.window is not None and self.window.days == 1

    @property
    def tried(self) -> bool:
        """Whether it was polled once, or cannot be."""
        return self.poll.finished or self.requests.unavailable is not None


def jobs_of(deployment: Deployment) -> Iterator[Job]:
    """Give the jobs that the settings ask for, the datasets in the order of their table.

    What needs a dataset that is switched off is not asked either: without
    `templates` nobody knows which templates are in use.
    """
    for dataset in DATASETS.values():
        needed = (dataset.name, dataset.needs) if dataset.needs else (dataset.name,)
        if all(dataset_settings(deployment, name).enabled for name in needed):
            requests = RequestHealth(dataset.name)
            for window in dataset.windows(deployment):
                rhythm = pace(deployment, dataset.name, window)
                poll = PollHealth(dataset.name, window.name if window else "", rhythm)
                yield Job(dataset, window, poll, requests, Kept(rhythm.max_age))
