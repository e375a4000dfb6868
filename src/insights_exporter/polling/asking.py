"""Asks all that a poll needs, and keeps what is still good of the last time."""

from collections.abc import Sequence
from dataclasses import dataclass

from insights_exporter.coder.client import Coder
from insights_exporter.coder.exchange import Errand
from insights_exporter.coder.failures import UNAVAILABLE, WHOLE_SERVER, RequestFailed
from insights_exporter.datasets.dataset import Answer, Question

_GIVE_UP_AFTER = 3
_HITS_THE_OTHERS_TOO = WHOLE_SERVER | UNAVAILABLE


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
