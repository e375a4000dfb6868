"""Answers that are kept, so that one question that fails loses nothing."""

from collections.abc import Iterable

from insights_exporter.datasets.dataset import Answer, Question

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
