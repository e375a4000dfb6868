"""Asks all that a poll needs, and keeps what is still good of the last time."""

from collections.abc import Sequence
from dataclasses import dataclass

from insights_exporter.coder.client import Coder
from insights_exporter.coder.exchange import Errand
from insights_exporter.coder.failures import UNAVAILABLE, WHOLE_SERVER, Reason, RequestFailed
from insights_exporter.datasets.dataset import Answer, Dataset, InvalidAnswer, Question, View

_GIVE_UP_AFTER = 3
_HITS_THE_OTHERS_TOO = WHOLE_SERVER | UNAVAILABLE
REFUSALS: frozenset[Reason] = frozenset({"forbidden", "not_permitted", "not_found", "unsupported"})
"""Reasons for which something else may be requested instead."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers to some questions, and the first failure among the others."""

    answers: tuple[Answer, ...]
    failure: RequestFailed | None


async def ask_all(coder: Coder, questions: Sequence[Question], errand: Errand) -> Asked:
    """Ask one after the other and stop at the first failure."""
    answers: list[Answer] = []
    for question in questions:
        try:
            answers.append(Answer(question, await coder.ask(question, errand)))
        except RequestFailed as failure:
            return Asked(tuple(answers), failure)
    return Asked(tuple(answers), None)


async def ask_in_steps(coder: Coder, dataset: Dataset, view: View, errand: Errand) -> Asked:
    """Ask all questions of a dataset, and those that follow from the answers.

    There are answers together with a failure only if a part of the last step failed.
    """
    step = await ask_all(coder, dataset.questions(view), errand)
    answers, failure = step.answers, step.failure
    while failure is None or failure.reason in REFUSALS:
        questions = _next_questions(dataset, answers)
        if not questions:
            break
        step = await ask_each(coder, questions, errand)
        answers, failure = answers + step.answers, step.failure
        if failure:
            return Asked(answers if step.answers else (), failure)
    return Asked(() if failure else answers, failure)


def _next_questions(dataset: Dataset, answers: Sequence[Answer]) -> Sequence[Question]:
    asked = {answer.question.path for answer in answers}
    try:
        return [question for question in dataset.follow_up(answers) if question.path not in asked]
    except InvalidAnswer:  # the conversion says so too
        return ()


async def ask_each(coder: Coder, questions: Sequence[Question], errand: Errand) -> Asked:
    """Ask one after the other whatever becomes of the others, until the server fails a few times in a row."""
    answers: list[Answer] = []
    first: RequestFailed | None = None
    in_a_row = 0
    for question in questions:
        try:
            answers.append(Answer(question, await coder.ask(question, errand)))
            in_a_row = 0
        except RequestFailed as failure:
            first = first or failure
            in_a_row += failure.reason in _HITS_THE_OTHERS_TOO
        if in_a_row == _GIVE_UP_AFTER:
            break
    return Asked(tuple(answers), first)
