"""From answers to bytes: together where that is possible, one by one where it is not."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from insights_exporter.coder.errors import REMEDIES, ApiError
from insights_exporter.coder.request import Response
from insights_exporter.datasets.base import ConvertResult, Dataset, PollContext
from insights_exporter.datasets.registry import DATASETS
from insights_exporter.exposition.family import MetricFamily
from insights_exporter.polling.fetch import PartialResult, convert, convert_partial, error_location
from tests.datasets.cases import answered, view_of
from tests.datasets.responses import report_of

BREAKDOWN = DATASETS["template-breakdown"]
VIEW = view_of("7d", in_use=["a", "b", "c"])
GOOD_ROW = {"slug": "ide", "type": "app", "seconds": 1}
BROKEN_ROW = GOOD_ROW | {"seconds": "many"}


def response(subject: str, users: int = 1, **more: Any) -> Response:  # noqa: ANN401 -- what JSON holds
    """Give an answer about one template."""
    (request,) = [one for one in BREAKDOWN.requests(VIEW) if one.subject == subject]
    told = report_of(**{"template_ids": [subject], "active_users": users} | more)
    return Response(request, json.dumps(told).encode())


def users_of(chunks: dict[MetricFamily, Any]) -> list[str]:
    """Give the lines of the users of templates, shortened."""
    (chunk,) = [
        chunk for family, chunk in chunks.items() if family.name == "coder_insights_template_active_users"
    ]
    shown = [line.partition('template_name="')[2] for line in chunk.runs[-1].decode().splitlines()]
    return [line.replace('",window="7d"}', "") for line in shown]


def partly(*new: Response, kept: Sequence[Response] = (), dataset: Dataset = BREAKDOWN) -> PartialResult:
    """Convert new answers beside kept ones."""

    def beside(good: Sequence[Response]) -> tuple[Response, ...]:
        taken = {response.request.subject for response in good}
        return tuple(response for response in kept if response.request.subject not in taken)

    return convert_partial(dataset, VIEW, new, beside)


def test_samples_are_rendered_and_not_kept() -> None:
    """What is kept of a poll is bytes, and what it says beside its samples."""
    body = json.dumps(report_of(active_users=3, template_ids=["a"])).encode()
    (told,) = answered(DATASETS["templates"], VIEW, body)
    result = convert(DATASETS["templates"], VIEW, [told])

    assert () == result.said.samples
    assert ("a",) == result.said.in_use
    assert b'coder_insights_active_users{deployment="dev",window="7d"} 3.0\n' in {
        chunk.runs[-1] for chunk in result.chunks.values()
    }


def test_answer_that_cannot_be_what_was_asked_for_is_a_failure() -> None:
    """Its reason is `invalid`."""
    (told,) = answered(DATASETS["templates"], VIEW, b"<html>")
    with pytest.raises(ApiError, match="not JSON") as failed:
        convert(DATASETS["templates"], VIEW, [told])

    assert ("invalid", REMEDIES["invalid"]) == (failed.value.reason, failed.value.remedy)


def test_response_of_a_newer_server_has_its_own_remedy() -> None:
    """The remedy for an unknown shape is to upgrade the exporter, wherever the failure goes."""
    (told,) = answered(DATASETS["templates"], VIEW, b'{"report":{}}')
    with pytest.raises(ApiError, match="active_users: missing") as failed:
        convert(DATASETS["templates"], VIEW, [told])

    assert ("invalid", REMEDIES["newer_coder"]) == (failed.value.reason, failed.value.remedy)


def test_new_answers_stand_beside_kept_ones() -> None:
    """A kept answer is shown where no new one takes its place."""
    result = partly(response("a", 5), kept=[response("a", 1), response("b", 2)])

    assert ["a 5.0", "b 2.0"] == users_of(result.result.chunks)
    assert (None, 1) == (result.failure, len(result.good))


def test_bad_answer_leaves_the_others_and_its_own_kept_one() -> None:
    """One answer about the wrong template takes nothing with it."""
    wrong = response("b", 9, template_ids=["somebody-else"])
    result = partly(response("a", 5), wrong, response("c", 7), kept=[response("b", 2)])

    assert ["a 5.0", "c 7.0", "b 2.0"] == users_of(result.result.chunks)
    assert ["a", "c"] == [good.request.subject for good in result.good]
    assert result.failure is not None
    assert "invalid" == result.failure.reason


def test_rows_of_new_answers_alone_are_counted() -> None:
    """A kept answer's rows were counted when it came."""
    kept = response("b", apps_usage=[GOOD_ROW, BROKEN_ROW, BROKEN_ROW])

    assert 1 == len(partly(response("a", apps_usage=[GOOD_ROW, BROKEN_ROW]), kept=[kept]).invalid)
    assert 0 == len(partly(kept=[kept]).invalid)
    assert 2 == len(partly(kept).invalid)


def test_good_answers_are_converted_once() -> None:
    """All together, as long as nothing is wrong with any."""
    conversions: list[int] = []

    def convert(context: PollContext, responses: Sequence[Response]) -> ConvertResult:
        conversions.append(len(responses))
        return BREAKDOWN.convert(context, responses)

    partly(response("a"), response("b"), response("c"), dataset=replace(BREAKDOWN, convert=convert))

    assert [3] == conversions


def test_whereabouts_tell_the_place_and_no_data() -> None:
    """An unexpected error is named by its type and line: its text may speak of people."""

    def crash() -> None:
        raise KeyError("alice")

    try:
        crash()
    except KeyError as error:
        told = error_location(error)

    assert told.startswith("unexpected KeyError in crash (test_converting.py:")
    assert "alice" not in told
