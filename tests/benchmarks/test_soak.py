"""A soak of a few seconds, and the problems that it finds."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.results import MEBIBYTE
from benchmarks.soak.checks import check_memory_growth
from benchmarks.soak.clients import find_wrong_series, parse_data
from benchmarks.soak.deployments import WITHOUT_LONG_WAITS
from benchmarks.soak.run import Plan, soak

PAGE = 'coder_insights_users{deployment="a",status="active"} 3.0\n'


@pytest.mark.timeout(300)
def test_soak_of_a_few_seconds() -> None:
    """Random faults, reloads and scrapes cause no problems; scrape durations are not checked here."""
    result = soak(
        Plan(minutes=0.05, scrapers=3, seed=1, faults=WITHOUT_LONG_WAITS, between=(0.1, 0.5), longest_p99=60)
    )

    assert [] == result.problems
    assert result.summary


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        pytest.param(PAGE, [], id="right"),
        pytest.param("", [], id="nothing"),
        pytest.param(PAGE * 2, ["twice:"], id="twice"),
        pytest.param(PAGE.replace("3.0", "4.0"), ["wrong:"], id="another value"),
        pytest.param(PAGE.replace('"a"', '"b"'), ["wrong:"], id="unknown"),
        pytest.param("{{", ["an invalid exposition:"], id="no exposition"),
    ],
)
def test_wrong_series_are_found(page: str, expected: list[str]) -> None:
    """Duplicate series, unknown series and wrong values are reported."""
    problems = find_wrong_series(page, parse_data(PAGE))

    assert len(expected) == len(problems)
    assert all(problem.startswith(start) for problem, start in zip(problems, expected, strict=True))


@pytest.mark.parametrize(
    ("sizes", "grows"),
    [
        pytest.param([70, 300, 290, 310], False, id="high and steady"),
        pytest.param([70, 80, 250, 90], False, id="high for a moment"),
        pytest.param([70, 100, 200, 300], True, id="growing"),
        pytest.param([70, 600, 70, 70], True, id="above the ceiling"),
        pytest.param([70], False, id="one reading"),
    ],
)
def test_growth_is_found(sizes: list[float], grows: bool) -> None:
    """Memory that is higher in the second half than in the first is reported."""
    assert grows is bool(check_memory_growth([size * MEBIBYTE for size in sizes]))


def test_flags() -> None:
    """`--help` lists the flags."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--help"],
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
        text=True,
    )

    assert "--minutes" in done.stdout
    assert "--seed" in done.stdout
