"""The jobs of a deployment: one per dataset and window, with its last good responses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from insights_exporter.coder.request import Request, Response
from insights_exporter.config.intervals import poll_interval
from insights_exporter.config.models import Deployment, Window
from insights_exporter.datasets.base import Dataset
from insights_exporter.polling.status import PollStatus, RequestStats

_Key = tuple[str, str]


class ResponseCache:
    """The newest answer to each of a dataset's questions, until it is too old."""

    def __init__(self, max_age: float) -> None:
        self._max_age = max_age
        self._answers: dict[_Key, tuple[float, Response]] = {}

    def renew(self, requests: Iterable[Request], responses: Iterable[Response], now: float) -> None:
        """Take new answers, and forget those to questions that are no longer asked."""
        asked = {_key(request) for request in requests}
        self._answers = {key: kept for key, kept in self._answers.items() if key in asked}
        self._answers |= {_key(response.request): (now, response) for response in responses}

    def forget(self) -> None:
        """Forget all answers."""
        self._answers = {}

    def beside(
        self, requests: Iterable[Request], now: float, new: Iterable[Response]
    ) -> tuple[Response, ...]:
        """Give the answers to `questions` that are not too old and have no `new` one in their place."""
        wanted = {_key(request) for request in requests} - {_key(response.request) for response in new}
        return tuple(response for response in self.alive(now) if _key(response.request) in wanted)

    def alive(self, now: float) -> tuple[Response, ...]:
        """Give the answers that are not too old."""
        return tuple(response for born, response in self._answers.values() if now - born < self._max_age)

    def next_death(self, now: float) -> float:
        """Give the seconds until the next answer is too old."""
        ages = [now - born for born, _ in self._answers.values()]
        return min((self._max_age - age for age in ages if age < self._max_age), default=self._max_age)


def _key(request: Request) -> _Key:
    return request.path, request.subject


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One dataset and window that is polled again and again, and what is known of it."""

    dataset: Dataset
    window: Window | None
    poll: PollStatus
    requests: RequestStats
    kept: ResponseCache

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


def build_jobs(deployment: Deployment, datasets: Mapping[str, Dataset]) -> Iterator[Job]:
    """Yield the jobs that the config asks for, in the order of `datasets`.

    What needs a dataset that is switched off is not asked either: without
    `templates` nobody knows which templates are in use.
    """
    for dataset in datasets.values():
        needed = (dataset.name, dataset.depends_on) if dataset.depends_on else (dataset.name,)
        if all(datasets[name].is_enabled(deployment) for name in needed):
            requests = RequestStats(dataset.name)
            for window in dataset.windows(deployment):
                rhythm = poll_interval(
                    deployment, dataset.options(deployment), window, dataset.default_interval
                )
                poll = PollStatus(dataset.name, window.name if window else "", rhythm)
                yield Job(dataset, window, poll, requests, ResponseCache(rhythm.max_age))
