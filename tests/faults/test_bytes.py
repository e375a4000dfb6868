"""Arbitrary bytes as a response."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from insights_exporter.coder.request import InvalidResponse
from insights_exporter.datasets.base import Dataset
from insights_exporter.datasets.registry import DATASETS
from tests.datasets.cases import (
    CASES,
    convert_all,
    find_default_window,
    load_context,
    load_responses,
    render_text,
)
from tests.datasets.responses import generate_report

GOOD = {
    name: [
        (case / "response.json").read_bytes()
        for case in CASES
        if case.parent.name == name and (case / "response.json").exists()
    ]
    or [json.dumps(generate_report()).encode()]
    for name in DATASETS
}
PIECES = st.binary(max_size=6) | st.sampled_from(
    [
        b"null",
        b"[]",
        b"{}",
        b"-1",
        b"1e999",
        b'"',
        b"\\ud800",
        b"\xff",
        b"[" * 5000,
        b"NaN",
        b"9" * 400,
        b"\0",
    ]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), min_size=1, max_size=4)


def damage(body: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Replace parts of a response."""
    for place, length, piece in edits:
        at = int(place * len(body))
        body = body[:at] + piece + body[at + length :]
    return body


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
@settings(max_examples=60)
@given(data=st.data())
def test_any_bytes_are_rejected_or_exposed(dataset: Dataset, data: st.DataObject) -> None:
    """Random bytes and damaged responses are rejected as invalid, or the exposition of them is valid."""
    damaged = st.builds(damage, st.sampled_from(GOOD[dataset.name]), EDITS)
    body = data.draw(st.binary(max_size=200) | damaged)
    view = load_context(find_default_window(dataset), in_use=["t1"])
    responses = load_responses(dataset, view, *[body] * len(dataset.requests(view)))

    with suppress(InvalidResponse):
        list(text_string_to_metric_families(render_text(convert_all(dataset, view, responses), dataset)))
