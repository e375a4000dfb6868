"""From bytes to structs: what is refused, what is left out, what is mended."""

import pytest

from insights_exporter.datasets.dataset import InvalidAnswer
from insights_exporter.datasets.daus import DausAnswer
from insights_exporter.datasets.decoding import decode
from insights_exporter.datasets.reports import TemplatesAnswer
from insights_exporter.datasets.server_facts import ListedTemplate
from insights_exporter.datasets.user_activity import ActiveUser, ActivityAnswer

NOT_JSON = "the answer is not JSON: "
PROXY = "; does a proxy or a sign-in page answer in Coder's place?"
BEHIND = "; is there something else than Coder behind the url?"

REFUSED = {
    "nothing": (b"", f"{NOT_JSON}Expecting value at character 0{PROXY}"),
    "a page": (b"<!doctype html><title>Sign in</title>", f"{NOT_JSON}Expecting value at character 0{PROXY}"),
    "two documents": (b'{"report":{}}{"message":"x"}', f"{NOT_JSON}Extra data at character 13{PROXY}"),
    "a part": (b'{"report":{"users":[', f"{NOT_JSON}Expecting value at character 20{PROXY}"),
    "no UTF-8": (
        b'{"report":{"users":[{"user_id":"\xff","seconds":1}]}}',
        f"{NOT_JSON}it is not UTF-8{PROXY}",
    ),
    "too deep": (b'{"x":' + b"[" * 200_000, f"{NOT_JSON}it is nested too deeply{PROXY}"),
    "null": (b"null", f"the answer: expected an object, got null{BEHIND}"),
    "a list": (b"[]", f"the answer: expected an object, got a list{BEHIND}"),
    "a text": (b'"ok"', f"the answer: expected an object, got a text{BEHIND}"),
    "report no object": (b'{"report":[]}', f"report: expected an object, got a list{BEHIND}"),
    "users no list": (b'{"report":{"users":{}}}', f"report.users: expected a list, got an object{BEHIND}"),
    "no value": (b'{"report":{"users":[{},]}}', f"{NOT_JSON}Expecting value at character 23{PROXY}"),
    "no comma": (b'{"report":{"users":[{}{}]}}', f"{NOT_JSON}Expecting ',' delimiter at character 22{PROXY}"),
    "no name": (
        b'{"report":{},5:6}',
        f"{NOT_JSON}Expecting property name enclosed in double quotes at character 13{PROXY}",
    ),
    "no colon": (b'{"report" {}}', f"{NOT_JSON}Expecting ':' delimiter at character 10{PROXY}"),
    "no end of a text": (b'{"x":"y', f"{NOT_JSON}Unterminated string starting at at character 5{PROXY}"),
    "users a truth": (
        b'{"report":{"users":true}}',
        f"report.users: expected a list, got a truth value{BEHIND}",
    ),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_the_answer_is_refused_in_one_line(body: bytes, message: str) -> None:
    """A body that is no JSON, or another shape altogether, is an invalid answer."""
    with pytest.raises(InvalidAnswer) as refused:
        decode(body, ActivityAnswer)

    assert message == str(refused.value)


def test_rows_that_cannot_be_understood_are_left_out_alone() -> None:
    """The rows beside a bad one stay."""
    body = b'{"report":{"users":[{"user_id":"a","seconds":1},{"user_id":"b"},{"user_id":"c","seconds":2}]}}'
    decoded = decode(body, ActivityAnswer)

    assert decoded.value.report is not None
    assert [ActiveUser("a", 1.0), ActiveUser("c", 2.0)] == decoded.value.report.users
    assert ("report.users[].seconds: missing",) == decoded.invalid


@pytest.mark.parametrize("place", [0, 1, 255, 256, 511, 600, 999])
def test_an_odd_row_among_many_is_left_out_alone(place: int) -> None:
    """Wherever it stands, and in whatever order the others are, which stay in theirs."""
    rows = [f'{{"user_id":"{number}","seconds":{number}}}' for number in range(999)]
    rows.insert(place, '{"user_id":"x","seconds":NaN}')
    decoded = decode(f'{{"report":{{"users":[{" , ".join(rows)}]}}}}'.encode(), ActivityAnswer)

    assert decoded.value.report is not None
    assert [float(number) for number in range(999)] == [
        user.seconds for user in decoded.value.report.users or ()
    ]
    assert ("report.users[].seconds: expected a number, got a number too large",) == decoded.invalid


def test_the_place_of_a_mistake_is_told() -> None:
    """Also within a row."""
    with pytest.raises(InvalidAnswer) as refused:
        decode(b'{"report":{"users":[{"user_id":"a","seconds":1}, {"user_id" "b"}]}}', ActivityAnswer)

    assert f"{NOT_JSON}Expecting ':' delimiter at character 60{PROXY}" == str(refused.value)


def test_what_no_one_knows_is_passed_over() -> None:
    """Unknown fields of any kind, in any place and spelling, beside odd rows."""
    unknown = rb'"x" : {"a":[{"b":"]}\"{["},null]} ,"\\":"\\", "r\u0065port2":-1.5E+3'
    users = rb'{"user_id":"a","seconds":1,"z":[[]]} ,{}, {"user\u005fid":"b","seconds":2}'
    body = b'{ %b ,"report" :{"users":[ %b ],%b},"y":true}' % (unknown, users, unknown)
    decoded = decode(body, ActivityAnswer)

    assert decoded.value.report is not None
    assert [ActiveUser("a", 1.0), ActiveUser("b", 2.0)] == decoded.value.report.users
    assert ("report.users[].user_id: missing",) == decoded.invalid


def test_reasons_hold_nothing_of_the_row() -> None:
    """Neither names nor values of a bad row get into the reason, which is logged."""
    rows = b'{"user_id":"a","seconds":"jane","jane":1},"jane",{"user_id":["jane"],"seconds":1}'
    body = b'{"report":{"users":[' + rows + b"]}}"
    decoded = decode(body, ActivityAnswer)

    assert 3 == len(decoded.invalid)
    assert "jane" not in "".join(decoded.invalid)


def test_a_bad_row_within_a_row_leaves_the_outer_one() -> None:
    """Of a parameter only the values that cannot be understood are missing."""
    body = b'{"report":{"parameters_usage":[{"name":"p","values":[{"count":"x"},{"count":1}]}]}}'
    decoded = decode(body, TemplatesAnswer)

    assert decoded.value.report is not None
    assert [[1.0]] == [
        [value.count for value in parameter.values or ()]
        for parameter in decoded.value.report.parameters_usage or ()
    ]
    assert ("report.parameters_usage[].values[].count: expected a number, got a text",) == decoded.invalid


def test_a_bad_field_of_the_frame_is_as_if_absent() -> None:
    """A report without a readable number of users still has its other fields."""
    decoded = decode(b'{"report":{"active_users":"x","start_time":"2026-05-20T00:00:00Z"}}', TemplatesAnswer)

    assert decoded.value.report is not None
    assert (None, "2026-05-20T00:00:00Z") == (
        decoded.value.report.active_users,
        decoded.value.report.start_time,
    )
    assert not decoded.whole("report.active_users")
    assert decoded.whole("report.apps_usage")


@pytest.mark.parametrize("number", ["1e400", "-1e999", "9" * 5000, "NaN", "Infinity"])
def test_numbers_without_a_nearest_float_leave_out_their_row(number: str) -> None:
    """One row with such a number does not break the answer."""
    body = f'{{"entries":[{{"date":"2026-05-20","amount":{number}}},{{"date":"2026-05-19","amount":1}}]}}'
    decoded = decode(body.encode(), DausAnswer)

    assert ["2026-05-19"] == [entry.date for entry in decoded.value.entries or ()]
    assert ("entries[].amount: expected a number, got a number too large",) == decoded.invalid


@pytest.mark.parametrize(
    ("number", "nearest"),
    [("3", 3.0), ("3.0", 3.0), ("9007199254740993", 2.0**53), (str(10**300), 1e300), ("1e-400", 0.0)],
)
def test_numbers_become_the_nearest_float(number: str, nearest: float) -> None:
    """Integers may come as floats and have any size; nothing is said about what a gauge cannot hold."""
    decoded = decode(f'{{"report":{{"active_users":{number}}}}}'.encode(), TemplatesAnswer)

    assert decoded.value.report is not None
    assert nearest == decoded.value.report.active_users
    assert () == decoded.invalid


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    """What UTF-8 cannot hold is mended, so that the page can be written."""
    body = b'{"report":{"users":[{"user_id":"\\ud83d","username":"\\ud83d\\ude00 \\udc00","seconds":1}]}}'
    decoded = decode(body, ActivityAnswer)

    assert decoded.value.report is not None
    assert [ActiveUser("\ufffd", 1.0, "\U0001f600 \ufffd")] == decoded.value.report.users


def test_a_byte_order_mark_is_no_harm() -> None:
    """Some gateways put one before the JSON."""
    assert DausAnswer(entries=[]) == decode(b'\xef\xbb\xbf{"entries":[]}', DausAnswer).value


def test_lists_at_the_top_are_read_row_by_row_too() -> None:
    """A list of templates loses only what cannot be understood."""
    decoded = decode(b'[{"id":"a","name":"docker"},{"id":"b"},null]', list[ListedTemplate])

    assert [ListedTemplate("a", "docker")] == decoded.value
    assert ("[].name: missing", "[]: expected an object, got null") == decoded.invalid
