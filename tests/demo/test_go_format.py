"""Times and JSON in the form of Go."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.demo.go_format import dump_json, format_time, parse_time, quote

LAYOUT = '"2006-01-02T15:04:05Z07:00"'
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2023-07-10", "cannot parse"),
        ("yesterday", "cannot parse"),
        ("2023-07-10T00:00:00 03:00", "cannot parse"),
        ("2023-07-10T00:00:00Zulu", "cannot parse"),
        ("2023-13-10T00:00:00Z", "out of range"),
        ("2023-02-30T00:00:00Z", "out of range"),
        ("2023-02-20T00:00:60Z", "out of range"),
        ("2023-02-20T00:00:00+24:00", "out of range"),
    ],
    ids=["date-only", "word", "plus-lost", "extra", "month", "day", "second", "offset"],
)
def test_text_that_is_no_time_is_refused(text: str, complaint: str) -> None:
    """The error of an invalid time contains the time and its layout, as that of Go does."""
    with pytest.raises(ValueError, match="parsing time") as caught:
        parse_time(text)

    assert f'parsing time "{text}" as {LAYOUT}: {complaint}' == str(caught.value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-20T00:00:00Z", datetime(2024, 5, 20, tzinfo=UTC)),
        ("2024-05-20T00:00:00-03:00", datetime(2024, 5, 20, 3, tzinfo=UTC)),
        ("2024-05-20T00:00:00.25Z", datetime(2024, 5, 20, 0, 0, 0, 250_000, tzinfo=UTC)),
    ],
    ids=["utc", "offset", "fraction"],
)
def test_time_is_read(text: str, moment: datetime) -> None:
    """An RFC 3339 time is parsed, decimals included."""
    assert moment == parse_time(text)


@given(moment=st.datetimes(timezones=OFFSETS))
def test_written_time_is_read_back(moment: datetime) -> None:
    """A written time is the same instant in the same offset when read."""
    read = parse_time(format_time(moment))

    assert moment == read
    assert moment.utcoffset() == read.utcoffset()


def test_json_is_compact_and_escapes_html() -> None:
    """JSON has no spaces, and HTML is escaped."""
    assert b'{"a":["\\u003cb\\u003e","\\u0026"],"c":-1}\n' == dump_json({"a": ["<b>", "&"], "c": -1})


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_escaped_json_decodes_to_the_same_document(document: object) -> None:
    """Escaped JSON decodes to the same document."""
    assert document == json.loads(dump_json(document))


def test_quotes_are_escaped() -> None:
    """A text in quotes cannot end early."""
    assert r'"a\"b\\c"' == quote('a"b\\c')
