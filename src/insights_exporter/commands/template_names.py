"""The names of the templates: without them history would be other series than live scraping makes."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from insights_exporter.coder.client import Coder
from insights_exporter.coder.exchange import Errand
from insights_exporter.coder.failures import REMEDIES, Reason, RequestFailed
from insights_exporter.coder.listing import Listing, list_templates
from insights_exporter.datasets.dataset import InvalidAnswer, Question

T = TypeVar("T")

_REFUSALS: frozenset[Reason] = frozenset({"forbidden", "not_permitted", "not_found", "unsupported"})


class NamesMissing(Exception):
    """The templates cannot be listed now; the message says why."""

    def __init__(self, problem: Exception) -> None:
        super().__init__(f"cannot list the templates, and history must not be under wrong names: {problem}")
        self.remedy = _remedy(problem)


async def learn_names(coder: Coder, errand: Errand, deployment: str) -> Listing:
    """Ask for all templates; warn where the server refuses, so that they are called by their ids.

    Raises:
        NamesMissing: there is no answer, though there may be one later.
    """
    refusals: list[RequestFailed] = []

    async def read(path: str, decode: Callable[[bytes], T]) -> T | None:
        try:
            return decode(await coder.ask(Question(path), errand))
        except InvalidAnswer as odd:
            raise NamesMissing(odd) from None
        except RequestFailed as failure:
            if failure.reason not in _REFUSALS:
                raise NamesMissing(failure) from None
            refusals.append(failure)
            return None

    listing = await list_templates(read, {})
    if not listing.whole:
        warn_of_ids(deployment, refusals[-1])
    return listing


def warn_of_ids(deployment: str, problem: Exception) -> None:
    """Tell that templates are called by their ids, and why."""
    told = problem if isinstance(problem, RequestFailed | InvalidAnswer) else type(problem).__name__
    structlog.get_logger("insights_exporter").warning(
        "templates without a name are called by their ids, and unused ones are left out",
        deployment=deployment,
        problem=str(told),
        remedy=_remedy(problem),
    )


def _remedy(problem: Exception) -> str:
    if isinstance(problem, RequestFailed):
        return problem.remedy
    return REMEDIES[problem.cause if isinstance(problem, InvalidAnswer) else "invalid"]
