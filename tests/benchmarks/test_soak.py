"""The soak, for a few seconds, and what it would find."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak import Plan, soak
from benchmarks.soaking.checks import MEGABYTE, growth
from benchmarks.soaking.clients import data_of, wrong
from benchmarks.soaking.deployments import WITHOUT_LONG_WAITS

PAGE = 'coder_insights_users{deployment="a",status="active"} 3.0\n'


@pytest.mark.timeout(300)
def test_soak_of_a_few_seconds() -> None:
    """Faults, reloads and scrapes at random do no harm; how long scrapes take is not judged here."""
    result = soak(
        Plan(minutes=0.05, scrapers=3, seed=1, faults=WITHOUT_LONG_WAITS, between=(0.1, 0.5), longest_p99=60)
    )

    assert [] == result.problems
    assert result.told


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        pytest.param(PAGE, [], id="right"),
        pytest.param("", [], id="nothing"),
        pytest.param(PAGE * 2, ["twice:"], id="twice"),
        pytest.param(PAGE.replace("3.0", "4.0"), ["wrong:"], id="another value"),
        pytest.param(PAGE.replace('"a"', '"b"'), ["wrong:"], id="unknown"),
        pytest.param("{{", ["a page that cannot be read:"], id="no page"),
    ],
)
def test_wrong_series_are_found(page: str, expected: list[str]) -> None:
    """Series that are there twice, unknown or have another value are told."""
    problems = wrong(page, data_of(PAGE))

    assert len(expected) == len(problems)
    assert all(problem.startswith(start) for problem, start in zip(problems, expected, strict=True))


@pytest.mark.parametrize(
    ("sizes", "grows"),
    [
        pytest.param([70, 300, 290, 310], False, id="high and steady"),
        pytest.param([70, 80, 250, 90], False, id="high for a moment"),
        pytest.param([70, 100, 200, 300], True, id="higher and higher"),
        pytest.param([70, 600, 70, 70], True, id="far too high"),
        pytest.param([70], False, id="one look"),
    ],
)
def test_growth_is_found(sizes: list[float], grows: bool) -> None:
    """Memory that is higher in the second half than in the first is reported."""
    assert grows is bool(growth([size * MEGABYTE for size in sizes]))


def test_flags() -> None:
    """The command tells its flags."""
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--help"],
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
        text=True,
    )

    assert "--minutes" in told.stdout
    assert "--seed" in told.stdout
