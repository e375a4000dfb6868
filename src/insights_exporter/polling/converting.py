"""Turns answers into chunks: pure work, done in a thread beside the event loop."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from insights_exporter.coder.failures import RequestFailed
from insights_exporter.datasets.dataset import Answer, Conversion, Dataset, InvalidAnswer, Question, View
from insights_exporter.exposition.family import Family
from insights_exporter.exposition.render import Chunk
from insights_exporter.polling.collector import collector_paused
from insights_exporter.polling.glances import Glance, glance
from insights_exporter.polling.publisher import rendered


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
