"""What an answer may cost: a few times its own bytes, whatever it says."""

import tracemalloc
from collections.abc import Iterator

import pytest

from insights_exporter.datasets.dataset import InvalidAnswer
from insights_exporter.datasets.daus import DausAnswer
from insights_exporter.datasets.decoding import decode
from insights_exporter.datasets.reports import TemplatesAnswer
from insights_exporter.datasets.server_facts import ListedTemplate
from insights_exporter.datasets.user_activity import ActivityAnswer
from insights_exporter.datasets.user_status_counts import StatusAnswer

SIZE = 24 * 1024 * 1024
A_FEW_TIMES = 8
USER = (
    b'{"user_id":"5f1a6a5c-9d3a-4c1f-9d3a-4c1f5f1a6a5c","username":"anna","avatar_url":"","seconds":3600,'
    b'"template_ids":["5f1a6a5c-9d3a-4c1f-9d3a-4c1f5f1a6a5c"]},'
)

REFUSED = {
    "a list of empty objects": (b"[", b"{},", b"{}]", DausAnswer),
    "a list of empty templates": (b"[", b"{},", b"{}]", list[ListedTemplate]),
    "empty rows": (b'{"entries":[', b"{},", b"{}]}", DausAnswer),
    "rows that are null": (b'{"entries":[', b"null,", b"null]}", DausAnswer),
    "rows without what is needed": (b'{"report":{"users":[', b'{"seconds":1},', b"{}]}}", ActivityAnswer),
    "one row without end": (b'{"entries":[[', b"{},", b"{}]]}", DausAnswer),
    "a field that nobody knows": (b'{"x":[', b"{},", b'{}],"entries":5}', DausAnswer),
    "fields that nobody knows": (b"{", b'"a":0,', b'"entries":5}', DausAnswer),
    "statuses without number": (b'{"status_counts":{', b'"a":[],', b'"b":5}}', StatusAnswer),
    "values without number": (
        b'{"report":{"parameters_usage":[{"name":"p","values":[',
        b'{"count":0},',
        b"{}]}]}}",
        TemplatesAnswer,
    ),
    "brackets": (b'{"x":', b"[", b"", DausAnswer),
    "half of it": (b'{"report":{"users":[', USER, b"", ActivityAnswer),
    "a text": (b'{"x":"', b"\\n", b'","entries":5}', DausAnswer),
}  # fmt: skip
"""Beginning, what is repeated, and end of what is no answer."""


def large(beginning: bytes, repeated: bytes, end: bytes) -> bytes:
    """Give a large body."""
    return beginning + repeated * (SIZE // len(repeated)) + end


@pytest.fixture(autouse=True)
def _counted() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("beginning", "repeated", "end", "kind"), REFUSED.values(), ids=REFUSED)
def test_large_answers_of_another_shape(beginning: bytes, repeated: bytes, end: bytes, kind: type) -> None:
    """JSON that is nothing of Coder's is refused before it costs much."""
    body = large(beginning, repeated, end)
    with pytest.raises(InvalidAnswer):
        decode(body, kind)

    assert tracemalloc.get_traced_memory()[1] < (1 + A_FEW_TIMES) * len(body)


@pytest.mark.timeout(120)
def test_large_answer_with_one_odd_row() -> None:
    """All other users of a large deployment stay, at the price of an answer without it."""
    body = large(b'{"report":{"users":[', USER, b"{}]}}")
    decoded = decode(body, ActivityAnswer)

    assert decoded.value.report is not None
    assert SIZE // len(USER) == len(decoded.value.report.users or ())
    assert ("report.users[].user_id: missing",) == decoded.invalid
    assert tracemalloc.get_traced_memory()[1] < (1 + A_FEW_TIMES) * len(body)


@pytest.mark.timeout(120)
def test_options_of_parameters_cost_little() -> None:
    """Only that a parameter declares some is known of them, however many they are."""
    beginning = b'{"report":{"parameters_usage":[{"name":"p","options":['
    body = large(beginning, b'{"name":"a","value":{"a":{}}},', b"{}]}]}}")
    decoded = decode(body, TemplatesAnswer)

    assert decoded.invalid == ()
    assert tracemalloc.get_traced_memory()[1] < (1 + A_FEW_TIMES) * len(body)
