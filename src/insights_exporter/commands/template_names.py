"""The names of the templates: without them history would be other series than live scraping makes."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import structlog

from insights_exporter.coder.client import Coder
from insights_exporter.coder.exchange import Errand
from insights_exporter.coder.failures import REMEDIES, RequestFailed
from insights_exporter.config.settings import Deployment
from insights_exporter.datasets import template_list
from insights_exporter.datasets.dataset import InvalidAnswer, Template, View
from insights_exporter.polling.asking import REFUSALS, ask_in_steps


class NamesMissing(Exception):
    """The templates cannot be listed now; the message says why."""

    def __init__(self, problem: Exception) -> None:
        super().__init__(f"cannot list the templates, and history must not be under wrong names: {problem}")
        self.remedy = _remedy(problem)


class Listing(NamedTuple):
    """The templates by id; `whole` if the server refused nothing."""

    templates: Mapping[str, Template]
    whole: bool


async def learn_names(coder: Coder, errand: Errand, deployment: Deployment, now: datetime) -> Listing:
    """List all templates; warn if the server refuses, so that they are called by their ids.

    Raises:
        NamesMissing: There is no response, though there may be one later.
    """
    view = View(deployment, None, now)
    asked = await ask_in_steps(coder, template_list.DATASET, view, errand, converter=None)
    if asked.failure and asked.failure.reason not in REFUSALS:
        raise NamesMissing(asked.failure)
    if asked.failure:
        warn_of_ids(deployment.name, asked.failure)
    try:
        templates = template_list.convert(view, asked.answers).templates
    except InvalidAnswer as odd:
        raise NamesMissing(odd) from None
    return Listing(templates or {}, whole=asked.failure is None)


def warn_of_ids(deployment: str, problem: Exception) -> None:
    """Tell that templates are called by their ids, and why."""
    told = problem if isinstance(problem, RequestFailed | InvalidAnswer) else type(problem).__name__
    structlog.get_logger("insights_exporter").warning(
        "templates without a name are called by their ids, and unused ones are omitted",
        deployment=deployment,
        problem=str(told),
        remedy=_remedy(problem),
    )


def _remedy(problem: Exception) -> str:
    if isinstance(problem, RequestFailed):
        return problem.remedy
    return REMEDIES[problem.cause if isinstance(problem, InvalidAnswer) else "invalid"]
