"""YAML as settings are written in."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.config.strict_yaml import NotYaml, read_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXT,
    lambda part: st.lists(part) | st.dictionaries(TEXT.filter(lambda key: key != "<<"), part),
    max_leaves=10,
)


@given(DATA)
def test_what_is_dumped_is_read_back(data: Any) -> None:  # noqa: ANN401 - any data
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
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("+7", 7),
        ("9" * 30, float("9" * 30)),
        ("~", None),
        ("", None),
        ("TRUE", True),
        ("'true'", "true"),
        ("! true", "true"),
        ("!!str 7", "7"),
        ("7d", "7d"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """Words, times and dates are text; an editor's schema check sees the same."""
    assert {"key": value} == read_yaml(f"key: {text}\n".encode())


def test_byte_order_mark_does_not_count() -> None:
    """Files of some editors begin with one."""
    assert {"key": 1} == read_yaml(b"\xef\xbb\xbfkey: 1\n")


def test_aliases_repeat_what_they_name() -> None:
    """An anchor may be used often."""
    assert {"a": [1], "b": [[1], [1]]} == read_yaml(b"a: &x [1]\nb: [*x, *x]\n")


@pytest.fixture(params=["compiled", "pure"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read with the library's compiled parser, or as where it has none."""
    if request.param == "pure":
        monkeypatch.delattr(yaml, "CSafeLoader")


@pytest.mark.usefixtures("parser")
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
def test_errors_do_not_repeat_what_is_written(text: str) -> None:
    """A secret beside a slip of the pen stays out of the error."""
    with pytest.raises(NotYaml) as caught:
        read_yaml(text.encode())

    assert "hidden" not in f"{caught.value}{caught.value!r}{caught.value.place}"


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("key:\n\t- 1", "line 2, column 1", "indent with spaces, not with tabs"),
        ("key: [1\nother: 2", "line 2, column 6", "check colons, quotes and indentation there"),
        ("key: a: b", "line 1, column 7", "check colons, quotes and indentation there"),
        ('"key', "line 1, column 5", "check colons, quotes and indentation there"),
    ],
    ids=["tab", "bracket", "colon", "quote"],
)
def test_slip_of_the_pen_is_told_with_line_and_column(text: str, place: str, remedy: str) -> None:
    """Whichever parser reads, the place and the remedy are told."""
    with pytest.raises(NotYaml) as caught:
        read_yaml(text.encode())

    assert (place, remedy) == (caught.value.place, caught.value.remedy)


@pytest.mark.usefixtures("parser")
def test_settings_are_read_alike_by_both_parsers() -> None:
    """Quotes, aliases, tags and kinds of numbers mean the same."""
    text = b"a: &x [1, '1', !!str 1, 1.0, ~, true]\nb: *x\nc: |\n  d\ne: ! 1\nf: {g: }"
    items = [1, "1", "1", 1.0, None, True]

    assert {"a": items, "b": items, "c": "d\n", "e": "1", "f": {"g": None}} == read_yaml(text)
