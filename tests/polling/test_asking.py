"""Asking all, or as many as can be had."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import current_thread

import httpx
import pytest

from insights_exporter.coder.errors import REASONS, WHOLE_SERVER, FailureReason
from insights_exporter.coder.request import Request, Response
from insights_exporter.datasets import template_list
from insights_exporter.datasets.base import PollContext
from insights_exporter.polling.fetch import FetchResult, ask_in_steps, fetch_all, fetch_each
from tests.coder.deployments import client, deployment
from tests.polling.watching import START, on_fast_clock

STATUS: Mapping[FailureReason, int] = {
    "unauthorized": 401,
    "not_found": 404,
    "redirect": 302,
    "server_error": 500,
    "rejected": 400,
    "forbidden": 403,
}


def asked(statuses: list[int], *, each: bool) -> tuple[FetchResult, int]:
    """Ask one question a status; give what came of it and how many requests there were."""
    left = list(statuses)

    def response(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(left.pop(0), stream=httpx.ByteStream(b"{}"))

    async def scenario() -> FetchResult:
        requests = [Request("/insights/templates", subject=str(number)) for number in range(len(statuses))]
        transport = httpx.MockTransport(response)
        async with client(deployment("http://coder.example.com"), transport=transport) as one:
            return await (fetch_each if each else fetch_all)(one.coder, requests, one.options())

    return on_fast_clock(scenario), len(statuses) - len(left)


def subjects(result: FetchResult) -> str:
    """Name the questions that were answered."""
    return "".join(response.request.subject for response in result.responses)


def reason(result: FetchResult) -> FailureReason | None:
    """Give the reason of the failure."""
    return result.failure.reason if result.failure else None


@pytest.mark.parametrize("each", [True, False])
def test_all_are_answered(each: bool) -> None:
    """In the order of the questions, without a failure."""
    result, _ = asked([200, 200, 200], each=each)

    assert ("012", None) == (subjects(result), reason(result))


def test_all_or_nothing_stops_at_the_first_failure() -> None:
    """What cannot be whole is not worth more requests."""
    result, requests = asked([200, 403, 200], each=False)

    assert ("0", "forbidden", 2) == (subjects(result), reason(result), requests)


def test_each_by_itself_goes_on_after_failures() -> None:
    """The first failure is told, the others' answers are there."""
    result, requests = asked([400, 200, 403, 200], each=True)

    assert ("13", "rejected", 4) == (subjects(result), reason(result), requests)


@pytest.mark.parametrize("failing", STATUS)
def test_server_that_fails_as_a_whole_is_left_alone(failing: FailureReason) -> None:
    """Three failures in a row that most likely hit every request are enough, others are not."""
    status = STATUS[failing]
    _, requests = asked([status, status, 200, *[status] * 5], each=True)

    assert (6 if failing in WHOLE_SERVER else 8) == requests


def test_every_reason_of_the_whole_server_is_one_there_is() -> None:
    """The table of reasons is the only source of them."""
    assert set(REASONS) > WHOLE_SERVER


async def test_answers_are_decoded_beside_the_loop() -> None:
    """The loop serves scrapes meanwhile, also while the next questions are found."""
    threads = []

    def follow_up(_answers: Sequence[Response]) -> Sequence[Request]:
        threads.append(current_thread().name)
        return ()

    dataset = replace(template_list.DATASET, follow_up=follow_up)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(b"[]")))
    polled = deployment("http://coder.example.com")
    with ThreadPoolExecutor(1, "converter") as converter:
        async with client(polled, transport=transport) as one:
            await ask_in_steps(one.coder, dataset, PollContext(polled, None, START), one.options(), converter)

    assert ["converter_0"] == threads
