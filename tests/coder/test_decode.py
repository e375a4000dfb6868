"""From bytes to structs: what is invalid, what is dropped, what is replaced."""

import pytest

from insights_exporter.coder.decode import decode
from insights_exporter.coder.request import InvalidResponse
from insights_exporter.coder.resources import ListedTemplate
from insights_exporter.datasets.daus import DausResponse
from insights_exporter.datasets.report_schema import TemplatesResponse, UsersResponse
from insights_exporter.datasets.user_activity import ActiveUser, ActivityResponse

NOT_JSON = "the response is not JSON: "
EDGES = b'"start_time":null,"end_time":null,"template_ids":[]'

NOT_CODER = {
    "nothing": (b"", f"{NOT_JSON}Expecting value at character 0"),
    "a page": (b"<!doctype html><title>Sign in</title>", f"{NOT_JSON}Expecting value at character 0"),
    "two documents": (b'{"report":{}}{"message":"x"}', f"{NOT_JSON}Extra data at character 13"),
    "a part": (b'{"report":{"users":[', f"{NOT_JSON}Expecting value at character 20"),
    "no UTF-8": (
        b'{"report":{"users":[{"user_id":"\xff","seconds":1}]}}',
        f"{NOT_JSON}it is not UTF-8",
    ),
    "too deep": (b'{"x":' + b"[" * 200_000, f"{NOT_JSON}it is nested too deeply"),
    "null": (b"null", "the response is not Coder's: expected an object, got null"),
    "a list": (b"[]", "the response is not Coder's: expected an object, got a list"),
    "a string": (b'"ok"', "the response is not Coder's: expected an object, got a string"),
}
"""What something other than Coder sends, and the message."""

UNKNOWN_SHAPES = {
    "another object": (b'{"error":"x"}', "report: missing"),
    "report no object": (b'{"report":[]}', "report: expected an object, got a list"),
    "no users": (b'{"report":{%b}}' % EDGES, "report.users: missing"),
    "users no list": (b'{"report":{"users":{}}}', "report.users: expected a list, got an object"),
    "users a boolean": (b'{"report":{"users":true}}', "report.users: expected a list, got a boolean"),
    "no row understood": (
        b'{"report":{"users":[{"user_id":"a"},7],%b}}' % EDGES,
        "report.users[]: none of 2 rows is valid; the first: report.users[].seconds: missing",
    ),
    "too many odd rows": (
        b'{"report":{"users":[%b{}],%b}}' % (b'{"seconds":1},' * 10_000, EDGES),
        "more than 10,000 rows are invalid; the first: report.users[].user_id: missing",
    ),
    "too large to be read row by row": (
        b'{"report":{"users":[%b{}]}}' % (b" " * 32 * 1024 * 1024),
        "33,554,457 bytes cannot be decoded at once, and are too many to decode row by row",
    ),
}
"""What a newer Coder may send, and the message."""


@pytest.mark.parametrize(("body", "message"), NOT_CODER.values(), ids=NOT_CODER)
def test_body_that_is_not_from_coder_is_invalid(body: bytes, message: str) -> None:
    """A body that is not JSON, or not an object, has the usual cause."""
    with pytest.raises(InvalidResponse) as invalid:
        decode(body, ActivityResponse)

    assert (message, "invalid") == (str(invalid.value), invalid.value.cause)


@pytest.mark.parametrize(("body", "message"), UNKNOWN_SHAPES.values(), ids=UNKNOWN_SHAPES)
def test_unknown_shapes_are_invalid(body: bytes, message: str) -> None:
    """A response of an unknown shape is invalid, and the remedy is to upgrade the exporter."""
    with pytest.raises(InvalidResponse) as invalid:
        decode(body, ActivityResponse)

    assert (message, "newer_coder") == (str(invalid.value), invalid.value.cause)


def test_rows_are_counted_over_all_lists_of_a_path() -> None:
    """A parameter without any understood value is not a new shape if another one has some."""
    odd, good = b'{"count":"x","value":"a"}', b'{"count":1,"value":"b"}'
    body = parameters(b"[%b]" % odd, b"[%b]" % good)
    decoded = decode(body, TemplatesResponse)

    assert decoded.value.report is not None
    assert [0, 1] == [len(each.values) for each in decoded.value.report.parameters_usage or ()]
    with pytest.raises(InvalidResponse, match=r"values\[\]: none of 2 rows is valid"):
        decode(parameters(b"[%b]" % odd, b"[%b]" % odd), TemplatesResponse)


def parameters(*values: bytes) -> bytes:
    """Return a report with a parameter for each list of values."""
    rows = b",".join(b'{"name":"p","type":"string","values":%b}' % each for each in values)
    return b'{"report":{"active_users":1,"apps_usage":[],%b,"parameters_usage":[%b]}}' % (EDGES, rows)


def test_invalid_rows_are_dropped() -> None:
    """The other rows stay."""
    rows = b'{"user_id":"a","seconds":1},{"user_id":"b"},{"user_id":"c","seconds":2}'
    body = b'{"report":{"users":[%b],%b}}' % (rows, EDGES)
    decoded = decode(body, ActivityResponse)

    assert [ActiveUser("a", 1.0), ActiveUser("c", 2.0)] == decoded.value.report.users
    assert ("report.users[].seconds: missing",) == decoded.invalid


@pytest.mark.parametrize("place", [0, 1, 255, 256, 511, 600, 999])
def test_invalid_row_among_many_is_dropped(place: int) -> None:
    """An invalid row is dropped at any position, and the others keep their order."""
    rows = [f'{{"user_id":"{number}","seconds":{number}}}' for number in range(999)]
    rows.insert(place, '{"user_id":"x","seconds":NaN}')
    body = f'{{"report":{{"users":[{" , ".join(rows)}],{EDGES.decode()}}}}}'
    decoded = decode(body.encode(), ActivityResponse)

    assert [float(number) for number in range(999)] == [user.seconds for user in decoded.value.report.users]
    assert ("report.users[].seconds: number out of range",) == decoded.invalid


def test_a_syntax_error_has_its_place() -> None:
    """The message of a syntax error has its position, within a row too."""
    with pytest.raises(InvalidResponse) as invalid:
        decode(b'{"report":{"users":[{"user_id":"a","seconds":1}, {"user_id" "b"}]}}', ActivityResponse)

    assert f"{NOT_JSON}Expecting ':' delimiter at character 60" == str(invalid.value)


def test_a_cut_text_has_its_place() -> None:
    """The message of a response that ends within a text is a sentence."""
    with pytest.raises(InvalidResponse) as invalid:
        decode(b'{"report":{"users":[{"user_id":"a', ActivityResponse)

    assert f"{NOT_JSON}Unterminated string starting at character 31" == str(invalid.value)


def test_unknown_fields_are_ignored() -> None:
    """Unknown fields of any type, name and position are ignored, also in responses with invalid rows."""
    unknown = rb'"x" : {"a":[{"b":"]}\"{["},null]} ,"\\":"\\", "r\u0065port2":-1.5E+3'
    users = rb'{"user_id":"a","seconds":1,"z":[[]]} ,{}, {"user\u005fid":"b","seconds":2}'
    body = b'{ %b ,"report" :{"users":[ %b ],%b,%b},"y":true}' % (unknown, users, EDGES, unknown)
    decoded = decode(body, ActivityResponse)

    assert [ActiveUser("a", 1.0), ActiveUser("b", 2.0)] == decoded.value.report.users
    assert ("report.users[].user_id: missing",) == decoded.invalid


def test_reasons_contain_no_data_of_the_row() -> None:
    """The logged reason contains neither names nor values of an invalid row."""
    rows = b'{"user_id":"a","seconds":"jane","jane":1},"jane",{"user_id":["jane"],"seconds":1}'
    good = b'{"user_id":"b","seconds":1}'
    body = b'{"report":{"users":[%b,%b],%b}}' % (rows, good, EDGES)
    decoded = decode(body, ActivityResponse)

    assert 3 == len(decoded.invalid)
    assert "jane" not in "".join(decoded.invalid)


def test_invalid_nested_row_keeps_the_outer_row() -> None:
    """Only invalid values of a parameter are dropped."""
    body = parameters(b'[{"count":"x","value":"a"},{"count":1,"value":"b"}]')
    decoded = decode(body, TemplatesResponse)

    assert decoded.value.report is not None
    assert [[1.0]] == [
        [value.count for value in parameter.values]
        for parameter in decoded.value.report.parameters_usage or ()
    ]
    assert ("report.parameters_usage[].values[].count: expected a number, got a string",) == decoded.invalid


def test_invalid_optional_field_of_an_envelope_is_dropped() -> None:
    """Without a readable start the report still has its other fields, and what is missing is counted."""
    fields = b'"apps_usage":[],"start_time":7,"template_ids":[],"parameters_usage":[]'
    body = b'{"report":{"active_users":3,%b}}' % fields
    decoded = decode(body, TemplatesResponse)

    assert decoded.value.report is not None
    assert (3.0, None, None) == (
        decoded.value.report.active_users,
        decoded.value.report.start_time,
        decoded.value.report.end_time,
    )
    assert (
        "report.start_time: expected a time, got a number",
        "report.end_time: missing",
    ) == decoded.invalid
    assert not decoded.is_complete("report.start_time")
    assert decoded.is_complete("report.apps_usage")


def test_null_lists_are_empty() -> None:
    """Go writes an empty list as null now and then."""
    decoded = decode(b'{"report":{"users":null,%b}}' % EDGES, ActivityResponse)

    assert [] == decoded.value.report.users
    assert () == decoded.invalid
    assert [] == decode(b"null", list[ListedTemplate]).value


@pytest.mark.parametrize("number", ["1e400", "-1e999", "9" * 5000, "NaN", "Infinity"])
def test_numbers_without_a_nearest_float_drop_their_row(number: str) -> None:
    """One row with such a number does not break the response."""
    body = f'{{"entries":[{{"date":"2026-05-20","amount":{number}}},{{"date":"2026-05-19","amount":1}}]}}'
    decoded = decode(body.encode(), DausResponse)

    assert ["2026-05-19"] == [entry.date for entry in decoded.value.entries]
    assert ("entries[].amount: number out of range",) == decoded.invalid


@pytest.mark.parametrize(
    ("number", "nearest"),
    [("3", 3.0), ("3.0", 3.0), ("9007199254740993", 2.0**53), (str(10**300), 1e300), ("1e-400", 0.0)],
)
def test_numbers_become_the_nearest_float(number: str, nearest: float) -> None:
    """Integers may come as floats and have any size; precision beyond that of a gauge is dropped."""
    decoded = decode(f'{{"report":{{"active_users":{number},"start_time":null}}}}'.encode(), UsersResponse)

    assert nearest == decoded.value.report.active_users
    assert () == decoded.invalid


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    """What UTF-8 cannot hold is replaced, so that the exposition can be encoded."""
    user = b'{"user_id":"\\ud83d","username":"\\ud83d\\ude00 \\udc00","seconds":1}'
    body = b'{"report":{"users":[%b],%b}}' % (user, EDGES)
    decoded = decode(body, ActivityResponse)

    assert [ActiveUser("\ufffd", 1.0, "\U0001f600 \ufffd")] == decoded.value.report.users


def test_escaped_backslash_begins_no_surrogate() -> None:
    """An escaped backslash is text and begins no escape sequence."""
    rows = rb'{"user_id":"\\ud83d","seconds":1},{"user_id":"b","seconds":"x"}'
    decoded = decode(b'{"report":{"users":[%b],%b}}' % (rows, EDGES), ActivityResponse)

    assert [ActiveUser(r"\ud83d", 1.0)] == decoded.value.report.users


def test_byte_order_mark_is_skipped() -> None:
    """Some gateways send a byte order mark before the JSON."""
    assert DausResponse(entries=[]) == decode(b'\xef\xbb\xbf{"entries":[]}', DausResponse).value


def test_lists_at_the_top_are_read_row_by_row_too() -> None:
    """A list of templates loses only what cannot be understood."""
    decoded = decode(
        b'[{"id":"a","name":"docker","organization_id":"o"},{"id":"b"},null]', list[ListedTemplate]
    )

    assert [ListedTemplate("a", "docker", "o")] == decoded.value
    assert ("[].name: missing", "[]: expected an object, got null") == decoded.invalid
