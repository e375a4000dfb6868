"""The steps of a poll before it publishes: requests are sent, responses are converted and rendered."""

import asyncio
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from insights_exporter.coder.client import CoderClient, RequestOptions
from insights_exporter.coder.errors import UNAVAILABLE, WHOLE_SERVER, ApiError, FailureReason
from insights_exporter.coder.request import InvalidResponse, Request, Response
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext, no_follow_up
from insights_exporter.exposition.family import MetricFamily
from insights_exporter.exposition.text import RenderedFamily
from insights_exporter.polling.publisher import rendered
from insights_exporter.polling.summary import PollSummary, summarize
from insights_exporter.runtime import gc_paused


def error_location(error: Exception) -> str:
    """Say what went wrong where, without the data that an error's own text may hold."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"unexpected {type(error).__name__} in {last.name} ({Path(last.filename).name}:{last.lineno})"


@dataclass(frozen=True, slots=True)
class PollResult:
    """What answers became: the bytes to serve, what people like to see of them, and what else they say."""

    chunks: dict[MetricFamily, RenderedFamily]
    seen: PollSummary
    said: ConvertResult


@gc_paused()
def convert(dataset: Dataset, context: PollContext, responses: Sequence[Response]) -> PollResult:
    """Convert answers and render what comes of them; the samples are not kept.

    Raises:
        RequestFailed: `invalid`, an answer is not what was asked for.
    """
    try:
        conversion = dataset.convert(context, responses)
    except InvalidResponse as error:
        raise _failure(error) from None
    chunks = rendered(conversion.samples, context.deployment.name)
    return PollResult(
        chunks, summarize(conversion), msgspec.structs.replace(conversion, samples=(), daily_users=())
    )


@gc_paused()
def follow_up_questions(dataset: Dataset, responses: Sequence[Response]) -> Sequence[Request]:
    """Return the questions that follow from answers and are not asked yet; none if an answer is invalid."""
    asked = {response.request.path for response in responses}
    try:
        return [request for request in dataset.follow_up(responses) if request.path not in asked]
    except InvalidResponse:  # the conversion reports it
        return ()


def _failure(error: InvalidResponse) -> ApiError:
    return ApiError(error.cause, str(error))


@dataclass(frozen=True, slots=True)
class PartialResult:
    """What new answers became, with kept ones beside them.

    `good` are the new answers that are what was asked for, `invalid` has a
    reason for each row of theirs that could not be understood, `failure` is
    the first failure of the other answers.
    """

    result: PollResult
    good: tuple[Response, ...]
    invalid: tuple[str, ...]
    failure: ApiError | None


def convert_partial(
    dataset: Dataset,
    context: PollContext,
    new: tuple[Response, ...],
    beside: Callable[[Sequence[Response]], tuple[Response, ...]],
) -> PartialResult:
    """Convert new answers together with those kept `beside` them; a new one that is not good is dropped."""
    good, failure = new, None
    try:
        result = convert(dataset, context, (*new, *beside(new)))
    except ApiError:
        good, failure = _understood(dataset, context, new)
        result = convert(dataset, context, (*good, *beside(good)))
    invalid = dataset.convert(context, good).invalid if beside(good) else result.said.invalid
    return PartialResult(result, good, invalid, failure)


def _understood(
    dataset: Dataset, context: PollContext, responses: Sequence[Response]
) -> tuple[tuple[Response, ...], ApiError | None]:
    """Give the answers that each can be converted alone, and the first failure of the others."""
    good: list[Response] = []
    first: ApiError | None = None
    for response in responses:
        try:
            dataset.convert(context, [response])
        except InvalidResponse as error:
            first = first or _failure(error)
        else:
            good.append(response)
    return tuple(good), first


_GIVE_UP_AFTER = 3
_HITS_THE_OTHERS_TOO = WHOLE_SERVER | UNAVAILABLE
REFUSALS: frozenset[FailureReason] = frozenset({"forbidden", "not_permitted", "not_found", "unsupported"})
"""Reasons for which something else may be requested instead."""


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The answers to some questions, and the first failure among the others."""

    responses: tuple[Response, ...]
    failure: ApiError | None


async def fetch_all(coder: CoderClient, requests: Sequence[Request], options: RequestOptions) -> FetchResult:
    """Ask one after the other and stop at the first failure."""
    responses: list[Response] = []
    for request in requests:
        try:
            responses.append(Response(request, await coder.get(request, options)))
        except ApiError as failure:
            return FetchResult(tuple(responses), failure)
    return FetchResult(tuple(responses), None)


async def ask_in_steps(
    coder: CoderClient,
    dataset: Dataset,
    context: PollContext,
    options: RequestOptions,
    converter: Executor | None,
) -> FetchResult:
    """Ask all questions of a dataset, and those that follow from the answers.

    Answers are decoded in `converter`, None for the loop's own executor.
    There are answers together with a failure if a part of the last step failed, or if it only adds to
    a first step that succeeded.
    """
    first = step = await fetch_all(coder, dataset.requests(context), options)
    responses, failure = step.responses, step.failure
    while failure is None or failure.reason in REFUSALS:
        requests = await _next_questions(dataset, responses, converter)
        if not requests:
            break
        step = await fetch_each(coder, requests, options)
        responses, failure = responses + step.responses, step.failure
        if failure:
            return FetchResult(responses if step.responses or not first.failure else (), failure)
    return FetchResult(() if failure else responses, failure)


async def _next_questions(
    dataset: Dataset, responses: Sequence[Response], converter: Executor | None
) -> Sequence[Request]:
    if dataset.follow_up is no_follow_up:
        return ()
    return await asyncio.get_running_loop().run_in_executor(
        converter, follow_up_questions, dataset, responses
    )


async def fetch_each(coder: CoderClient, requests: Sequence[Request], options: RequestOptions) -> FetchResult:
    """Ask one after the other whatever becomes of the others, until the server fails a few times in a row."""
    responses: list[Response] = []
    first: ApiError | None = None
    in_a_row = 0
    for request in requests:
        try:
            responses.append(Response(request, await coder.get(request, options)))
            in_a_row = 0
        except ApiError as failure:
            first = first or failure
            in_a_row += failure.reason in _HITS_THE_OTHERS_TOO
        if in_a_row == _GIVE_UP_AFTER:
            break
    return FetchResult(tuple(responses), first)
