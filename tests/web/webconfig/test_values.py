"""Values are read as by Go's YAML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from insights_exporter.config.errors import InvalidValue
from insights_exporter.web.webconfig.model import GoBool, ResponseHeaderValue, parse_go_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        pytest.param(0, 0.0, id="a bare zero"),
        pytest.param("0", 0.0, id="a quoted zero"),
        pytest.param("0s", 0.0, id="zero seconds"),
        pytest.param("1s", 1.0, id="seconds"),
        pytest.param("100ms", 0.1, id="milliseconds"),
        pytest.param("1m30s", 90.0, id="two units"),
        pytest.param("1.5h", 5400.0, id="a fraction"),
        pytest.param(".5s", 0.5, id="a fraction alone"),
        pytest.param("+2s", 2.0, id="a sign"),
        pytest.param("250us", 0.00025, id="microseconds"),
        pytest.param("250µs", 0.00025, id="microseconds in Greek"),
    ],
)
def test_durations(written: object, seconds: float) -> None:
    """Durations may have any units in any order, and fractions."""
    assert seconds == pytest.approx(parse_go_duration(written))


@pytest.mark.parametrize(
    "written", ["", "1", "1d", "1w", "-1s", "s", "1 s", "1s!", 5, 1.5, True, False, None, []]
)
def test_invalid_durations(written: object) -> None:
    """Other values are not durations; a bare number would be nanoseconds in Go."""
    with pytest.raises(InvalidValue, match="is not a duration"):
        parse_go_duration(written)


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(minutes: int, seconds: int, milliseconds: int) -> None:
    """The parts of a duration are added."""
    expected = minutes * 60 + seconds + milliseconds / 1000

    assert expected == pytest.approx(parse_go_duration(f"{minutes}m{seconds}s{milliseconds}ms"))


@pytest.mark.parametrize(
    ("written", "text"), [("a b ", "a b"), (1, "1"), (1.5, "1.5"), (True, "true"), (None, "")], ids=repr
)
def test_scalars_are_read_as_text(written: object, text: str) -> None:
    """`X-XSS-Protection: 1` needs no quotes."""
    adapter: TypeAdapter[str] = TypeAdapter(ResponseHeaderValue)

    assert text == adapter.validate_python(written)


@pytest.mark.parametrize(
    ("written", "on"),
    [
        (True, True),
        ("yes", True),
        ("On", True),
        ("y", True),
        (False, False),
        ("no", False),
        ("OFF", False),
        ("n", False),
    ],
)
def test_booleans_are_those_of_yaml_1_1(written: object, on: bool) -> None:
    """Booleans have the words of YAML 1.1."""
    adapter: TypeAdapter[bool] = TypeAdapter(GoBool)

    assert on is adapter.validate_python(written)
