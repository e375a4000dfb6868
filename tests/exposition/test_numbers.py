"""Numbers and label values are formatted as the Prometheus clients do."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_exporter.exposition.text import escape_label, format_value, format_values
from tests.exposition.oracle import format_with_client
from tests.exposition.strategies import NUMBERS

SPELLINGS = {
    "zero": (0, "0.0"),
    "minus zero": (-0.0, "-0.0"),
    "a whole number": (42, "42.0"),
    "below a million": (999999.5, "999999.5"),
    "a million": (1e6, "1e+06"),
    "above a million": (1234500.25, "1.23450025e+06"),
    "ten digits, as a time has": (1767225600.0, "1.7672256e+09"),
    "the last that Python writes out": (9999999999999998.0, "9.999999999999998e+15"),
    "a whole number that no float holds": (9999999999999999, "1e+16"),
    "what Python writes with an exponent": (1e16, "1e+16"),
    "a large negative number": (-1234500.0, "-1234500.0"),
    "small": (0.0001, "0.0001"),
    "smaller": (0.00001, "1e-05"),
    "infinity": (math.inf, "+Inf"),
    "minus infinity": (-math.inf, "-Inf"),
    "no number": (math.nan, "NaN"),
}


@pytest.mark.parametrize(("value", "expected"), SPELLINGS.values(), ids=SPELLINGS)
def test_number_is_formatted(value: float, expected: str) -> None:
    """Each kind of number has one format."""
    assert expected == format_value(value)


@given(NUMBERS)
def test_number_is_formatted_as_by_the_client(value: float) -> None:
    """Every number is formatted as by prometheus_client."""
    assert format_with_client(value) == format_value(value)


@given(st.lists(NUMBERS))
def test_many_numbers_are_formatted_as_single_ones(values: list[float]) -> None:
    """Formatting many numbers at once changes none of them."""
    assert [format_value(value) for value in values] == format_values(values)


def test_label_value_is_escaped() -> None:
    """Backslash, quote and line feed are escaped, and nothing else."""
    assert r"C:\\a \"b\"\n{c}=é" == escape_label('C:\\a "b"\n{c}=é')
