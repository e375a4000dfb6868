"""Sums of rows in any order, and distributions."""

import math

import pytest

from insights_exporter.datasets.aggregate import Distribution, sum_by_key, sum_exactly

SUMS = {
    "nothing": ([], 0.0),
    "cancelled": ([1e100, 1.0, -1e100], 1.0),
    "rounded once": ([0.1] * 10, 1.0),
    "past the largest float and back": ([1.7e308, 1.7e308, -1.7e308], 1.7e308),
    "beyond the largest float": ([1.7e308, 1.7e308], math.inf),
    "beyond the smallest": ([-1.7e308, -1.7e308], -math.inf),
}


@pytest.mark.parametrize(("values", "expected"), SUMS.values(), ids=SUMS)
def test_sum_is_the_nearest_float(values: list[float], expected: float) -> None:
    """A sum loses nothing, in either order."""
    assert expected == sum_exactly(values)
    assert expected == sum_exactly(reversed(values))


def test_rows_of_one_key_add_up() -> None:
    """Keys keep their order."""
    assert [("b", 4.0), ("a", 2.0)] == list(sum_by_key([("b", 1.0), ("a", 2.0), ("b", 3.0)]).items())


def test_bounds_are_inclusive() -> None:
    """A value that equals a bound is counted in the bucket and the band of that bound."""
    distribution = Distribution(bounds=(1, 2, 3), bands=(("low", 2), ("high", math.inf)))

    histogram = distribution.build_histogram([1, 2, 2.5, 4])

    assert ((1, 2, 3, 4), 9.5) == (histogram.counts, histogram.total)
    assert [(("a", "low"), 2), (("a", "high"), 2)] == distribution.build_band_rows(("a",), histogram)
