"""The requests of one poll, and what each response becomes."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import msgspec

from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.errors import UNAVAILABLE, WHOLE_SERVER, ApiError, FailureReason
from insights_exporter.coder.request import InvalidResponse, Request, Response
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.summary import PollSummary, summarize
from insights_exporter.exposition.text import RenderedFamily, render_all
from insights_exporter.log import describe_exception

REFUSALS: frozenset[FailureReason] = frozenset(
    {"forbidden", "not_permitted", "not_found", "unsupported", "not_licensed"}
)
"""Reasons for which something else may be requested instead."""
_CONCERNS_OTHER_REQUESTS = WHOLE_SERVER | UNAVAILABLE
_FAILURES_IN_A_ROW = 3


class Converted(msgspec.Struct, frozen=True, gc=False):
    """What a response became: the lines to expose, the result without its samples, and the summary."""

    families: tuple[RenderedFamily, ...]
    result: ConvertResult
    summary: PollSummary


def convert(dataset: Dataset, context: PollContext, response: Response) -> Converted:
    """Convert a response and render its samples, which are not kept.

    Raises:
        ApiError: `invalid`, the response is not what was requested.
    """
    try:
        return render_result(dataset.convert(context, response), context)
    except InvalidResponse as error:
        raise ApiError(error.cause, str(error)) from None


def render_result(result: ConvertResult, context: PollContext) -> Converted:
    """Return the lines of a result, and what is kept alongside them."""
    families = render_all(result.samples, context.deployment.name)
    kept = msgspec.structs.replace(result, samples=(), daily_users=())
    return Converted(families, kept, summarize(result))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A request of a poll, and what became of it: nothing if it failed or was not sent."""

    request: Request
    converted: Converted | None = None


@dataclass(eq=False)
class Fetch:
    """The requests of one poll, sent one after the other.

    A response is decoded in `executor` (None: the loop's own), so that
    scrapes are served meanwhile. After a failure that most likely concerns
    the other requests too, no more is sent, and nothing else to a path that
    was refused; if there is one request for each template, only after three
    such failures in a row.
    """

    dataset: Dataset
    context: PollContext
    client: CoderClient
    options: RequestOptions
    executor: Executor | None = None
    failure: ApiError | None = None
    """The first failure."""
    invalid_rows: list[str] = field(default_factory=list)
    """A reason for each row that was dropped as invalid."""
    invalid_responses: int = 0

    def __post_init__(self) -> None:
        """Set how many failures in a row end the poll."""
        self._allowed_failures = _FAILURES_IN_A_ROW if self.dataset.depends_on else 1
        self._failures_left = self._allowed_failures
        self._refused_paths = set[str]()

    async def send(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Send requests, and those that follow from their responses; return what became of them.

        The outcome of a request that others replaced is not among them.
        """
        return [outcome for request in requests for outcome in await self._resolve(request)]

    async def _resolve(self, request: Request) -> Sequence[Outcome]:
        outcome, further = await self._send(request)
        if not further:
            return [outcome]
        replacements = await self.send(further)
        is_fallback = outcome.converted is not None and bool(outcome.converted.families)
        return [outcome] if is_fallback and not any(each.converted for each in replacements) else replacements

    async def _send(self, request: Request) -> tuple[Outcome, Sequence[Request]]:
        """Send a request; return its outcome and the requests that replace it."""
        if not self._failures_left or request.path in self._refused_paths:
            return Outcome(request), ()
        try:
            response = Response(request, await self.client.get(request, self.options))
        except ApiError as failure:
            if failure.reason in REFUSALS and request.if_refused:
                return Outcome(request), request.if_refused
            self._record(failure)
            if failure.reason in REFUSALS and not self.dataset.depends_on:
                self._refused_paths.add(request.path)
            return Outcome(request), ()
        try:
            work = partial(convert, self.dataset, self.context, response)
            converted = await asyncio.get_running_loop().run_in_executor(self.executor, work)
        except Exception as error:  # noqa: BLE001 -- no response, however odd, may keep the others from being read
            self.invalid_responses += 1
            bug = ApiError("exporter_bug", describe_exception(error))
            self._record(error if isinstance(error, ApiError) else bug)
            return Outcome(request), ()
        self._failures_left = self._allowed_failures
        self.invalid_rows += converted.result.invalid
        return Outcome(request, converted), converted.result.follow_up

    def _record(self, failure: ApiError) -> None:
        self.failure = self.failure or failure
        self._failures_left -= failure.reason in _CONCERNS_OTHER_REQUESTS
