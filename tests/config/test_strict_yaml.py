"""YAML as a config is written in."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.config.strict_yaml import YamlError, read_yaml, read_yaml_with_lines

NUMBER_IN_1_2 = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+")
"""Text such as `0e0`, which programs that write YAML 1.1 leave without quotes."""
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")).filter(
    lambda text: not NUMBER_IN_1_2.fullmatch(text)
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXT,
    lambda part: st.lists(part) | st.dictionaries(TEXT.filter(lambda key: key != "<<"), part),
    max_leaves=10,
)


@given(DATA)
def test_dumped_data_is_read_back(data: Any) -> None:  # noqa: ANN401 -- any data
    """Plain data survives being written by another program."""
    assert data == read_yaml(yaml.safe_dump(data, allow_unicode=True).encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("1:30", "1:30"),
        ("2026-11-22", "2026-11-22"),
        ("010", 10),
        ("0x1f", "0x1f"),
        (".inf", ".inf"),
        ("1.0", 1.0),
        ("1e3", 1000.0),
        ("+7", 7),
        ("9" * 30, float("9" * 30)),
        ("~", None),
        ("", None),
        ("TRUE", True),
        ("'true'", "true"),
        ("!!str 7", "7"),
        ("7d", "7d"),
        ("|\n  d", "d\n"),
        ("{g: }", {"g": None}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """Words, times and dates are text, as for an editor's schema check."""
    read = read_yaml(f"key: {text}\n".encode())

    assert ({"key": value}, type(value)) == (read, type(read["key"]))  # type: ignore[index]


def test_byte_order_mark_is_ignored() -> None:
    """Some editors write one."""
    assert {"key": 1} == read_yaml(b"\xef\xbb\xbfkey: 1\n")


def test_aliases_repeat_their_anchor() -> None:
    """An anchor may be used often, and defined again."""
    assert {"a": [1], "b": [[1], [1]], "c": 2, "d": 2} == read_yaml(
        b"a: &x [1]\nb: [*x, *x]\nc: &x 2\nd: *x\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "key: *hidden-secret",
        "key: !hidden-secret 1",
        "key: !hidden-secret!x 1",
        "key: %hidden-secret",
        "hidden-secret: 1: 2",
        "'hidden-secret",
    ],
)
def test_errors_do_not_repeat_the_text(text: str) -> None:
    """A secret next to a syntax error is not in the message."""
    with pytest.raises(YamlError) as caught:
        read_yaml(text.encode())

    assert "hidden" not in f"{caught.value}{caught.value!r}{caught.value.place}"


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("key:\n\t- 1", "line 2, column 1", "indent with spaces, not with tabs"),
        ("key: [1\nother: 2", "line 2, column 6", "check colons, quotes and indentation there"),
        ("key: a: b", "line 1, column 7", "check colons, quotes and indentation there"),
        ('"key', "line 1, column 5", "check colons, quotes and indentation there"),
        ("key: !!str [1]", "line 1, column 6", "write the value alone, without !"),
    ],
    ids=["tab", "bracket", "colon", "quote", "kind"],
)
def test_syntax_error_has_line_column_and_remedy(text: str, place: str, remedy: str) -> None:
    """The place is where the parser stopped."""
    with pytest.raises(YamlError) as caught:
        read_yaml(text.encode())

    assert (place, remedy) == (caught.value.place, caught.value.remedy)


def test_lines_of_keys_and_entries() -> None:
    """Each key and list entry has the number of its line, what an alias repeats has none."""
    data, lines = read_yaml_with_lines(b"a: &x\n  b: 1\n\nc:\n  - d: [2,\n      3]\n  - *x\ne: &x 4\n")

    assert {"a": {"b": 1}, "c": [{"d": [2, 3]}, {"b": 1}], "e": 4} == data
    assert {
        ("a",): 1,
        ("a", "b"): 2,
        ("c",): 4,
        ("c", 0): 5,
        ("c", 0, "d"): 5,
        ("c", 0, "d", 0): 5,
        ("c", 0, "d", 1): 6,
        ("c", 1): 7,
        ("e",): 8,
    } == lines
