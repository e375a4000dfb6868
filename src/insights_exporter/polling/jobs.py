"""The jobs of a deployment: one per dataset and window, with its last good responses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from insights_exporter.coder.request import Answer, Question
from insights_exporter.config.intervals import pace
from insights_exporter.config.models import Deployment, Window, dataset_settings
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.polling.status import PollHealth, RequestHealth

_Key = tuple[str, str]


class Kept:
    """The newest answer to each of a dataset's questions, until it is too old."""

    def __init__(self, max_age: float) -> None:
        self._max_age = max_age
        self._answers: dict[_Key, tuple[float, Answer]] = {}

    def renew(self, questions: Iterable[Question], answers: Iterable[Answer], now: float) -> None:
        """Take new answers, and forget those to questions that are no longer asked."""
        asked = {_key(question) for question in questions}
        self._answers = {key: kept for key, kept in self._answers.items() if key in asked}
        self._answers |= {_key(answer.question): (now, answer) for answer in answers}

    def forget(self) -> None:
        """Forget all answers."""
        self._answers = {}

    def beside(self, questions: Iterable[Question], now: float, new: Iterable[Answer]) -> tuple[Answer, ...]:
        """Give the answers to `questions` that are not too old and have no `new` one in their place."""
        wanted = {_key(question) for question in questions} - {_key(answer.question) for answer in new}
        return tuple(answer for answer in self.alive(now) if _key(answer.question) in wanted)

    def alive(self, now: float) -> tuple[Answer, ...]:
        """Give the answers that are not too old."""
        return tuple(answer for born, answer in self._answers.values() if now - born < self._max_age)

    def next_death(self, now: float) -> float:
        """Give the seconds until the next answer is too old."""
        ages = [now - born for born, _ in self._answers.values()]
        return min((self._max_age - age for age in ages if age < self._max_age), default=self._max_age)


def _key(question: Question) -> _Key:
    return question.path, question.subject


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
