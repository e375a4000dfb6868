"""The costs of deployments by size, and the committed table of them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.results import RESULTS, read_tables
from benchmarks.sizes import FULL
from benchmarks.sizing import AGGREGATE, BY_CONFIG, BY_SIZE, CONFIGS, poll
from insights_exporter.demo import Population

TABLES = read_tables(RESULTS.read_text(encoding="utf-8"))
SIZES, BY_CONFIGS = (TABLES.get(title, ())[1:] for title in (BY_SIZE, BY_CONFIG))
MOST_USERS = 1_000
"""Of the sizes that are polled again by a test; larger ones take too long."""
SMALL = Population(seed=1, users=6, templates=2)
AGAIN = "run `make bench ARGS=sizing` and `make docs`"


def test_recorded_sizes_are_those_of_the_benchmark() -> None:
    """Each size and config of the benchmark has a row."""
    assert [(f"{users}", f"{templates}") for users, templates in FULL.deployment_sizes] == [
        (*row[:2],) for row in SIZES
    ], AGAIN
    assert list(CONFIGS) == [config for config, _ in BY_CONFIGS], AGAIN


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=f"{row[0]}-{row[1]}") for row in SIZES if int(row[0]) <= MOST_USERS],
)
def test_recorded_series_and_requests_are_exact(tmp_path: Path, row: Sequence[str]) -> None:
    """A poll has the series and requests of the results, with and without single users."""
    population = Population(seed=1, users=int(row[0]), templates=int(row[1]))

    costs, aggregate = (poll(tmp_path, population, config) for config in ({}, AGGREGATE))

    assert [*map(int, (row[2], row[3], row[6]))] == [costs.series, aggregate.series, costs.requests], AGAIN


@pytest.mark.parametrize(("config", "series"), BY_CONFIGS)
def test_recorded_series_by_config_are_exact(tmp_path: Path, config: str, series: str) -> None:
    """A poll with each config has the series of the results."""
    users, templates = FULL.config_size
    population = Population(seed=1, users=users, templates=templates)

    assert int(series) == poll(tmp_path, population, CONFIGS[config]).series, AGAIN


def test_costs_of_a_poll(tmp_path: Path) -> None:
    """A poll has requests, bytes, CPU time and memory."""
    costs = poll(tmp_path, SMALL, {})

    assert 0 < costs.requests
    assert 0 < costs.compressed < costs.response
    assert 0 < costs.cpu
    assert 0 < costs.peak


def test_failed_exporter_is_an_error(tmp_path: Path) -> None:
    """A config that the exporter refuses ends the benchmark."""
    with pytest.raises(RuntimeError, match="exited with status 2"):
        poll(tmp_path, SMALL, {"timeout": "never"})
