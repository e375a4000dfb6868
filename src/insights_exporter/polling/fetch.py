"""The steps of a poll before it publishes: requests are sent, responses are converted and rendered."""

import asyncio
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from insights_exporter.coder.client import Coder, Errand
from insights_exporter.coder.errors import UNAVAILABLE, WHOLE_SERVER, Reason, RequestFailed
from insights_exporter.coder.request import Answer, InvalidAnswer, Question
from insights_exporter.datasets.base import Conversion, Dataset, View, no_follow_up
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.text import Chunk
from insights_exporter.polling.publisher import rendered
from insights_exporter.polling.summary import Glance, glance
from insights_exporter.runtime import collector_paused


def whereabouts(error: Exception) -> str:
    """Say what went wrong where, without the data that an error's own text may hold."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"unexpected {type(error).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"


@dataclass(frozen=True, slots=True)
class Converted:
    """What answers became: the bytes to serve, what people like to see of them, and what else they say."""

    chunks: dict[Family, Chunk]
    seen: Glance
    said: Conversion


@collector_paused()
def converted(dataset: Dataset, view: View, answers: Sequence[Answer]) -> Converted:
    """Convert answers and render what comes of them; the samples are not kept.

    Raises:
        RequestFailed: `invalid`, an answer is not what was asked for.
    """
    try:
        conversion = dataset.convert(view, answers)
    except InvalidAnswer as error:
        raise _failure(error) from None
    chunks = rendered(conversion.samples, view.deployment.name)
    return Converted(
        chunks, glance(conversion), msgspec.structs.replace(conversion, samples=(), daily_users=())
    )


@collector_paused()
def follow_up_questions(dataset: Dataset, answers: Sequence[Answer]) -> Sequence[Question]:
    """Return the questions that follow from answers and are not asked yet; none if an answer is invalid."""
    asked = {answer.question.path for answer in answers}
    try:
        return [question for question in dataset.follow_up(answers) if question.path not in asked]
    except InvalidAnswer:  # the conversion reports it
        return ()


def _failure(error: InvalidAnswer) -> RequestFailed:
    return RequestFailed(error.cause, str(error))


@dataclass(frozen=True, slots=True)
class Partly:
    """What new answers became, with kept ones beside them.

    `good` are the new answers that are what was asked for, `invalid` has a
    reason for each row of theirs that could not be understood, `failure` is
    the first failure of the other answers.
    """

    converted: Converted
    good: tuple[Answer, ...]
    invalid: tuple[str, ...]
    failure: RequestFailed | None


def converted_partly(
    dataset: Dataset,
    view: View,
    new: tuple[Answer, ...],
    beside: Callable[[Sequence[Answer]], tuple[Answer, ...]],
) -> Partly:
    """Convert new answers together with those kept `beside` them; a new one that is not good is dropped."""
    good, failure = new, None
    try:
        result = converted(dataset, view, (*new, *beside(new)))
    except RequestFailed:
        good, failure = _understood(dataset, view, new)
        result = converted(dataset, view, (*good, *beside(good)))
    invalid = dataset.convert(view, good).invalid if beside(good) else result.said.invalid
    return Partly(result, good, invalid, failure)


def _understood(
    dataset: Dataset, view: View, answers: Sequence[Answer]
) -> tuple[tuple[Answer, ...], RequestFailed | None]:
    """Give the answers that each can be converted alone, and the first failure of the others."""
    good: list[Answer] = []
    first: RequestFailed | None = None
    for answer in answers:
        try:
            dataset.convert(view, [answer])
        except InvalidAnswer as error:
            first = first or _failure(error)
        else:
            good.append(answer)
    return tuple(good), first


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
