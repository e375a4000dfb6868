"""Asks all that a poll needs, and keeps what is still good of the last time."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from insights_exporter.coder.client import Coder
from insights_exporter.coder.exchange import Errand
from insights_exporter.coder.failures import UNAVAILABLE, WHOLE_SERVER, Reason, RequestFailed
from insights_exporter.datasets.dataset import Answer, Dataset, Question, View, no_follow_up
from insights_exporter.polling.converting import follow_up_questions

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


async def ask_in_steps(
    coder: Coder, dataset: Dataset, view: View, errand: Errand, converter: Executor | None
) -> Asked:
    """Ask all questions of a dataset, and those that follow from the answers.

    Answers are decoded in `converter`, None for the loop's own executor.
    There are answers together with a failure if a part of the last step failed, or if it only adds to
    a first step that succeeded.
    """
    first = step = await ask_all(coder, dataset.questions(view), errand)
    answers, failure = step.answers, step.failure
    while failure is None or failure.reason in REFUSALS:
        questions = await _next_questions(dataset, answers, converter)
        if not questions:
            break
        step = await ask_each(coder, questions, errand)
        answers, failure = answers + step.answers, step.failure
        if failure:
            return Asked(answers if step.answers or not first.failure else (), failure)
    return Asked(() if failure else answers, failure)


async def _next_questions(
    dataset: Dataset, answers: Sequence[Answer], converter: Executor | None
) -> Sequence[Question]:
    if dataset.follow_up is no_follow_up:
        return ()
    return await asyncio.get_running_loop().run_in_executor(converter, follow_up_questions, dataset, answers)


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
