"""The requests of a poll: what is sent after a failure, and what responses become."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import current_thread

import httpx
import pytest

from insights_exporter.coder.errors import REASONS, REMEDIES, WHOLE_SERVER, ApiError, FailureReason
from insights_exporter.coder.request import Request, Response
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.polling.fetch import Fetch, Outcome, convert
from tests.coder.deployments import client, deployment
from tests.datasets.cases import load_context, load_responses
from tests.datasets.responses import generate_report
from tests.polling.polled_deployment import run_on_fast_clock

PERIODS, BREAKDOWN, LIST = (DATASETS[name] for name in ("periods", "template-breakdown", "template-list"))
TEMPLATES = [f"t{number}" for number in range(8)]
CONTEXT = load_context("7d", in_use=TEMPLATES)
STATUS: Mapping[FailureReason, int] = {
    "unauthorized": 401,
    "not_found": 404,
    "redirect": 302,
    "server_error": 500,
    "rejected": 400,
    "forbidden": 403,
}


def fetch(
    dataset: Dataset, respond: Callable[[httpx.Request], httpx.Response], context: PollContext = CONTEXT
) -> tuple[Fetch, Sequence[Outcome], list[str]]:
    """Return the end of a fetch, its outcomes and the paths requested."""
    paths: list[str] = []

    def record(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path.removeprefix("/api/v2"))
        return respond(request)

    async def scenario() -> tuple[Fetch, Sequence[Outcome]]:
        transport = httpx.MockTransport(record)
        async with client(deployment("http://coder.example.com"), transport=transport) as one:
            started = Fetch(dataset, context, one.coder, one.options())
            return started, await started.send(dataset.requests(context))

    return *run_on_fast_clock(scenario), paths


def fetch_statuses(dataset: Dataset, *statuses: int) -> tuple[list[bool], FailureReason | None, int]:
    """Return which requests had a result, the reason of the first failure, and how many were sent."""
    left = list(statuses)

    def respond(_: httpx.Request) -> httpx.Response:
        return response(generate_report(), left.pop(0))

    ended, outcomes, paths = fetch(dataset, respond)
    results = [outcome.converted is not None for outcome in outcomes]
    return results, ended.failure.reason if ended.failure else None, len(paths)


def response(document: object, status: int = 200) -> httpx.Response:
    """Return a response with a JSON body."""
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(document).encode()))


def test_every_response_has_a_result() -> None:
    """Outcomes are in the order of the requests, without a failure."""
    assert ([True] * 4, None, 4) == fetch_statuses(PERIODS, 200, 200, 200, 200)


def test_failed_request_does_not_stop_the_others() -> None:
    """The first failure is reported; the other requests have results."""
    statuses = (400, 200, 403, 200, 200, 200, 200, 200)

    assert ([False, True, False, *[True] * 5], "rejected", 8) == fetch_statuses(BREAKDOWN, *statuses)


def test_no_more_is_sent_after_a_failure_of_the_whole_server() -> None:
    """What is not sent has no result."""
    assert ([True, False, False, False], "unauthorized", 2) == fetch_statuses(PERIODS, 200, 401)


def test_refusal_of_a_path_is_not_repeated() -> None:
    """A missing role concerns all requests to the path."""
    assert ([True, False, False, False], "forbidden", 2) == fetch_statuses(PERIODS, 200, 403)


@pytest.mark.parametrize("failing", STATUS)
def test_breakdown_stops_after_three_failures_in_a_row(failing: FailureReason) -> None:
    """If they most likely concern every request; others do not count."""
    status = STATUS[failing]
    _, _, sent = fetch_statuses(BREAKDOWN, status, status, 200, *[status] * 5)

    assert (6 if failing in WHOLE_SERVER else 8) == sent


def test_every_reason_of_the_whole_server_exists() -> None:
    """The table of reasons is the only source of them."""
    assert set(REASONS) > WHOLE_SERVER


def test_invalid_response_does_not_stop_the_others() -> None:
    """A response about the wrong template is a failure of that request only."""

    def respond(request: httpx.Request) -> httpx.Response:
        template = request.url.params["template_ids"]
        return response(generate_report(template_ids=["another" if template == "t2" else template]))

    ended, outcomes, _ = fetch(BREAKDOWN, respond)

    assert ["t2"] == [outcome.request.subject for outcome in outcomes if not outcome.converted]
    assert ended.failure is not None
    assert ("invalid", 1) == (ended.failure.reason, ended.invalid_responses)


def test_conversion_error_does_not_stop_the_others() -> None:
    """An unexpected error is reported with its location."""

    def crash(context: PollContext, response: Response) -> ConvertResult:
        if response.request.subject == "t2":
            raise ZeroDivisionError
        return BREAKDOWN.convert(context, response)

    ended, outcomes, _ = fetch(replace(BREAKDOWN, convert=crash), lambda _: response(generate_report()))

    assert ["t2"] == [outcome.request.subject for outcome in outcomes if not outcome.converted]
    assert ended.failure is not None
    assert ended.failure.detail.startswith("unexpected ZeroDivisionError in crash (test_fetch.py:")


A, B = ({"id": name, "name": "docker", "organization_id": f"o{name}"} for name in "ab")
ORGANIZATIONS = [{"id": "oa", "name": "acme"}, {"id": "ob", "name": "research"}]
NAMED: Mapping[str, object] = {
    "/templates": [A, B],
    "/organizations": ORGANIZATIONS,
    "/organizations/oa/templates": [A],
    "/organizations/ob/templates": [B],
}
NAMELESS = NAMED["/templates"]
LISTS = ["/organizations/oa/templates", "/organizations/ob/templates"]


@pytest.mark.parametrize(
    ("missing", "expected_paths", "expected_names"),
    [
        pytest.param((), LISTS, {"a": "acme", "b": "research"}, id="list without names"),
        pytest.param(("/templates",), LISTS, {"a": "acme", "b": "research"}, id="no list of all"),
        pytest.param((LISTS[1],), LISTS, {"a": "acme"}, id="an organization without a list"),
        pytest.param(("/organizations",), ["/templates"], {"a": "oa", "b": "ob"}, id="no organizations"),
        pytest.param(LISTS, ["/templates"], {"a": "oa", "b": "ob"}, id="no lists"),
        pytest.param(("/templates", "/organizations"), ["/organizations"], {}, id="nothing"),
    ],
)
def test_requests_that_replace_others(
    missing: Sequence[str], expected_paths: list[str], expected_names: dict[str, str]
) -> None:
    """The first response is used only if all that should replace it fail."""

    def respond(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2")
        return response({}, 403) if path in missing else response(NAMED[path])

    ended, outcomes, _ = fetch(LIST, respond)
    lists = [outcome.converted.result.templates or {} for outcome in outcomes if outcome.converted]

    assert expected_paths == [outcome.request.path for outcome in outcomes]
    assert expected_names == {name: each.organization for listed in lists for name, each in listed.items()}
    assert (ended.failure is not None) == bool(set(missing) - {"/templates"})


async def test_responses_are_converted_in_a_thread() -> None:
    """The event loop serves scrapes meanwhile."""
    threads = []

    def spy(context: PollContext, response: Response) -> ConvertResult:
        threads.append(current_thread().name)
        return LIST.convert(context, response)

    transport = httpx.MockTransport(lambda _: response([]))
    with ThreadPoolExecutor(1, "converter") as converter:
        async with client(deployment("http://coder.example.com"), transport=transport) as one:
            started = Fetch(replace(LIST, convert=spy), CONTEXT, one.coder, one.options(), converter)
            await started.send([Request("/templates")])

    assert ["converter_0"] == threads


def test_samples_are_rendered_and_not_kept() -> None:
    """Only the rendered bytes and the other results of a response are kept."""
    context = load_context("7d")
    body = json.dumps(generate_report(active_users=3, template_ids=["a"])).encode()
    (first_response,) = load_responses(DATASETS["templates"], context, body)
    converted = convert(DATASETS["templates"], context, first_response)

    assert () == converted.result.samples
    assert ("a",) == converted.result.in_use
    assert b'coder_insights_active_users{deployment="dev",window="7d"} 3.0\n' in {
        family.sections[-1] for family in converted.families
    }


@pytest.mark.parametrize(
    ("body", "detail", "cause"),
    [
        pytest.param(b"<html>", "not JSON", "invalid", id="no JSON"),
        pytest.param(b'{"report":{}}', "active_users: missing", "newer_coder", id="a newer server's shape"),
    ],
)
def test_response_that_cannot_be_what_was_requested_is_a_failure(
    body: bytes, detail: str, cause: str
) -> None:
    """Its reason is `invalid`; the remedy for an unknown shape is to upgrade the exporter."""
    (first_response,) = load_responses(DATASETS["templates"], load_context("7d"), body)
    with pytest.raises(ApiError, match=detail) as failed:
        convert(DATASETS["templates"], load_context("7d"), first_response)

    assert ("invalid", REMEDIES[cause]) == (failed.value.reason, failed.value.remedy)  # type: ignore[index]  # a literal
