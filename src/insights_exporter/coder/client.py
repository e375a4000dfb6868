"""The client of one deployment: a question in, the body of a good answer out."""

import asyncio
import random

import msgspec

from insights_exporter.coder.dialects import SPELLINGS, Dialect
from insights_exporter.coder.exchange import Errand, Exchange
from insights_exporter.coder.failures import Reason, RequestFailed
from insights_exporter.datasets.dataset import Question

_ATTEMPTS = 3
_FIRST_DELAY = 1.0
_ABOUT_PARAMETERS: frozenset[Reason] = frozenset({"rejected", "unsupported"})


class Coder:
    """One deployment's API, as far as the exporter asks it."""

    def __init__(self, exchange: Exchange, dialect: Dialect | None) -> None:
        self.dialect = dialect
        """The query dialect, None until it is found out."""
        self._exchange = exchange
        self._discovery = asyncio.Lock()
        self._alternative_paths: set[str] = set()

    async def ask(self, question: Question, errand: Errand) -> bytes:
        """Ask until there is an answer, and give its body.

        Raises:
            RequestFailed: there is no usable answer, and trying again would
                not help or not be in time.
        """
        if question.alternative:
            return await self._ask_either(question, errand)
        if question.span is None or self.dialect:
            return await self._tried(self.dialect or "rfc3339", question, errand)
        async with self._discovery:
            if self.dialect is None:
                return await self._discover(question, errand)
        return await self._tried(self.dialect, question, errand)

    async def _ask_either(self, question: Question, errand: Errand) -> bytes:
        """Send the parameters that worked last; if they are rejected, the alternative once."""
        dialect = self.dialect or "rfc3339"
        other = msgspec.structs.replace(question, extra=question.alternative)
        first, second = (other, question) if question.path in self._alternative_paths else (question, other)
        try:
            return await self._tried(dialect, first, errand)
        except RequestFailed as rejection:
            if rejection.reason != "rejected":
                raise
            try:
                body = await self._tried(dialect, second, errand)
            except RequestFailed as failure:
                raise _failure_to_report(rejection, failure) from None
        if second is other:
            self._alternative_paths.add(question.path)
        else:
            self._alternative_paths.discard(question.path)
        return body

    async def _discover(self, question: Question, errand: Errand) -> bytes:
        """Ask in the real server's dialect, then in the published page's; remember what worked."""
        try:
            body = await self._tried("rfc3339", question, errand)
        except RequestFailed as first:
            if first.reason != "rejected":
                raise
            try:
                body = await self._tried("published", question, errand)
            except RequestFailed as second:
                raise _failure_to_report(first, second) from None
            self.dialect = "published"
        else:
            self.dialect = "rfc3339" if body.lstrip()[:1] == b"{" else None
        return body

    async def _tried(self, dialect: Dialect, question: Question, errand: Errand) -> bytes:
        """Ask, and after a failure that may pass ask again, with growing pauses."""
        if dialect == "published" and question.needs_extra:
            raise RequestFailed("unsupported", "the published dialect has no parameters for this")
        parameters = SPELLINGS[dialect](question)
        for pause in _pauses():
            try:
                return await self._exchange.get(question.path, parameters, errand)
            except RequestFailed as failure:
                wait = pause if failure.retry_after is None else failure.retry_after
                if not failure.transient or not _left(errand) > wait or pause == 0:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError


def _failure_to_report(rejection: RequestFailed, second: RequestFailed) -> RequestFailed:
    """Return the failure to report after a rejection: the second, unless it is about the parameters too."""
    return rejection if second.reason in _ABOUT_PARAMETERS else second


def _pauses() -> list[float]:
    """Give the pause after each try, 0 after the last."""
    growing = [
        _FIRST_DELAY * 2.0**attempt * random.uniform(0.5, 1.5)  # noqa: S311 -- jitter keeps no secret
        for attempt in range(_ATTEMPTS - 1)
    ]
    return [*growing, 0.0]


def _left(errand: Errand) -> float:
    return errand.deadline - asyncio.get_running_loop().time()
