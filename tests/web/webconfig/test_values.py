"""Single values are read as Go's YAML reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from insights_exporter.config.errors import InvalidValue
from insights_exporter.web.webconfig.model import GoBool, HeaderValue, parse_go_duration


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
def test_durations_are_gos(written: object, seconds: float) -> None:
    """Any units, any order, fractions too."""
    assert seconds == pytest.approx(parse_go_duration(written))


@pytest.mark.parametrize(
    "written", ["", "1", "1d", "1w", "-1s", "s", "1 s", "1s!", 5, 1.5, True, False, None, []]
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    """A bare number would be nanoseconds to Go, which nobody means."""
    with pytest.raises(InvalidValue, match="is not a duration"):
        parse_go_duration(written)


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(minutes: int, seconds: int, milliseconds: int) -> None:
    """Whatever the parts are."""
    expected = minutes * 60 + seconds + milliseconds / 1000

    assert expected == pytest.approx(parse_go_duration(f"{minutes}m{seconds}s{milliseconds}ms"))


@pytest.mark.parametrize(
    ("written", "text"), [("a b ", "a b"), (1, "1"), (1.5, "1.5"), (True, "true"), (None, "")], ids=repr
)
def test_scalars_are_text_where_text_is_due(written: object, text: str) -> None:
    """`X-XSS-Protection: 1` needs no quotes."""
    adapter: TypeAdapter[str] = TypeAdapter(HeaderValue)

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
def test_switches_have_words_too(written: object, on: bool) -> None:
    """Those that YAML had of old."""
    adapter: TypeAdapter[bool] = TypeAdapter(GoBool)

    assert on is adapter.validate_python(written)
