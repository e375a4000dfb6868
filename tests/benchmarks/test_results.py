"""Results of the benchmarks, and how they are rendered."""

import math
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.client import compute_quantile
from benchmarks.measure import compute_slope
from benchmarks.results import (
    RESULTS,
    Section,
    Verdict,
    find_cell,
    format_mib,
    format_ms,
    format_ratio,
    group_digits,
    read_tables,
    update,
)
from tests.benchmarks.test_bench import HEADINGS

FORMATTED = {
    "short time": (format_ms(0.00123), "1.2 ms"),
    "long time": (format_ms(1.3504), "1350 ms"),
    "small memory": (format_mib(2_213_903), "2.1 MiB"),
    "memory of a process": (format_mib(57_500_000), "54.8 MiB"),
    "large memory": (format_mib(198_608_000), "189 MiB"),
    "near ratio": (format_ratio(1.0, 0.8), "1.25"),
    "far ratio": (format_ratio(135.0, 1.0), "135"),
    "grouped digits": (group_digits("300 s, 12345 requests, 1.50"), "300 s, 12,345 requests, 1.50"),
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


FAST = Section(
    "Fast", [("what", "time"), ("it", "1 s")], ["Note."], [Verdict("at most 2 s", "1 s", met=True)]
)
SLOW = Section("Slow", [("what", "time"), ("it", "9 s")], [], [Verdict("at most 3 s", "9 s", met=False)])


def test_results_are_rendered() -> None:
    """Verdicts come first, then each section with its notes."""
    page = update("", [FAST, SLOW])

    assert page.startswith("# Results\n\nWritten by `make bench` and `make collectors`.")
    assert page.endswith(
        "\n\n## Targets\n\n| section | target | reached | met |\n| --- | --- | --- | --- |\n"
        "| Fast | at most 2 s | 1 s | yes |\n| Slow | at most 3 s | 9 s | **no** |\n\n"
        "## Fast\n\n| what | time |\n| --- | --- |\n| it | 1 s |\n\nNote.\n\n"
        "## Slow\n\n| what | time |\n| --- | --- |\n| it | 9 s |\n"
    )


def test_results_of_other_topics_are_kept() -> None:
    """A run replaces its sections and targets in their places, and appends new ones."""
    faster = replace(FAST, notes=[], verdicts=[Verdict("at most 1 s", "0 s", met=True)])
    new = replace(SLOW, title="New")

    assert update("", [faster, SLOW, new]) == update(update("", [FAST, SLOW]), [new, faster])


def test_tables_are_read() -> None:
    """Each section has its table, the column names first, without its notes."""
    tables = read_tables(update("", [FAST, SLOW]))

    assert ["Targets", "Fast", "Slow"] == list(tables)
    assert [("what", "time"), ("it", "1 s")] == tables["Fast"]


def test_missing_row_is_an_error() -> None:
    """A row that is not in the results is refused by its name."""
    tables = read_tables(update("", [FAST]))

    assert "1 s" == find_cell(tables, "Fast", "it")
    with pytest.raises(LookupError, match=r"RESULTS\.md has no row Fast: other"):
        find_cell(tables, "Fast", "other")
    with pytest.raises(LookupError, match=r"RESULTS\.md has no row Other: it"):
        find_cell(tables, "Other", "it")


def test_recorded_results_are_whole() -> None:
    """The recorded results are those of all benchmarks, without others: rendering them changes nothing."""
    text = RESULTS.read_text(encoding="utf-8")

    assert text == update(text, [])
    assert ["Targets", *chain.from_iterable(HEADINGS.values()), "Collectors"] == list(read_tables(text))
