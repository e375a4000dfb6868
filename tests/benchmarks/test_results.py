"""Results of the benchmarks, and how they are rendered."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.client import compute_quantile
from benchmarks.measure import compute_slope
from benchmarks.results import Section, Verdict, format_mb, format_ms, format_ratio, render

FORMATTED = {
    "short time": (format_ms(0.00123), "1.2 ms"),
    "long time": (format_ms(1.3504), "1350 ms"),
    "small memory": (format_mb(2_213_903), "2.2 MB"),
    "large memory": (format_mb(198_608_000), "199 MB"),
    "near ratio": (format_ratio(1.0, 0.8), "1.25"),
    "far ratio": (format_ratio(135.0, 1.0), "135"),
}


@pytest.mark.parametrize(("formatted", "expected"), FORMATTED.values(), ids=FORMATTED)
def test_numbers_have_significant_digits(formatted: str, expected: str) -> None:
    """Small numbers have one more digit."""
    assert expected == formatted


@given(power=st.floats(-2, 2), factor=st.floats(0.1, 10))
def test_slope_is_the_power(power: float, factor: float) -> None:
    """The slope of a power function is its exponent, for any factor."""
    sizes = (10, 100, 1000)

    assert math.isclose(power, compute_slope(sizes, [factor * size**power for size in sizes]), abs_tol=1e-9)


@given(st.lists(st.floats(0, 100), min_size=1))
def test_quantile_is_one_of_the_times(seconds: list[float]) -> None:
    """The quantile 1 is the maximum, and at most half of the values are above the median."""
    half = compute_quantile(seconds, 0.5)

    assert max(seconds) == compute_quantile(seconds, 1)
    assert half in seconds
    assert sum(each > half for each in seconds) <= len(seconds) / 2


def test_results_are_rendered() -> None:
    """Verdicts come first, then each section with its notes."""
    verdict = Verdict("at most 1 s", "2 s", met=False)
    section = Section("Topic", [("what", "time"), ("it", "2 s")], ["Note."], [verdict])
    page = render("Machine: a small one.", [section])

    assert page.startswith("# Results\n\nWritten by `make bench`.")
    assert page.endswith(
        "Machine: a small one.\n\n"
        "## Targets\n\n| target | reached | met |\n| --- | --- | --- |\n| at most 1 s | 2 s | **no** |\n\n"
        "## Topic\n\n| what | time |\n| --- | --- |\n| it | 2 s |\n\nNote.\n"
    )
