"""Durations in Prometheus' format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from insights_exporter.config.errors import InvalidValue
from insights_exporter.config.types import Seconds, format_duration, parse_duration

SECONDS: TypeAdapter[float] = TypeAdapter(Seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("7d", 604_800),
        ("1w", 604_800),
        ("250ms", 0.25),
        ("1y2w", 32_745_600),
    ],
)
def test_durations_are_parsed_like_in_prometheus(text: str, seconds: float) -> None:
    """Numbers have units, the largest first."""
    assert seconds == parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5 m",
        "m5",
        "1m1h",
        "1h1h",
        "-5m",
        "1.5h",
        "٣m",
        "9" * 30 + "y",
        "9" * 5000 + "s",
        5,
        5.0,
        None,
        True,
    ],
    ids=lambda text: repr(text)[:12],
)
def test_other_texts_are_refused(text: object) -> None:
    """A text that Prometheus would refuse is not a duration."""
    with pytest.raises(InvalidValue, match="is not a duration; write it as Prometheus does"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0h0m"])
def test_zero_is_too_small(text: str) -> None:
    """A duration of zero is a duration, but no key accepts it."""
    with pytest.raises(InvalidValue, match="is too small; write more than 0s"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["101y", "999999999y", "5300w"])
def test_centuries_are_too_large(text: str) -> None:
    """A duration with which no date can be calculated is refused, not a crash of the schedule."""
    with pytest.raises(InvalidValue, match="is too large; write 100y or less"):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**12))
def test_formatted_duration_is_parsed_back(milliseconds: int) -> None:
    """Formatting keeps a duration to the millisecond."""
    assert milliseconds == round(parse_duration(format_duration(milliseconds / 1000)) * 1000)


def test_zero_is_formatted() -> None:
    """Zero seconds can be shown, though no key accepts them."""
    assert "0s" == format_duration(0)


def test_numbers_are_seconds_in_code_only() -> None:
    """In a file a number without a unit is refused."""
    with pytest.raises(ValueError, match="is not a duration"):
        SECONDS.validate_python(300.0, context={})

    assert 300.0 == SECONDS.validate_python(300.0)
