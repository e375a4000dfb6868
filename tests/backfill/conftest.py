"""An embedded Coder, and runs of the command against it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from insights_exporter.demo import EmbeddedCoder, Population, serve
from tests.support.backfill import NOW, Backfill
from tests.support.receiver import Receiver, receiving


@pytest.fixture(scope="session")
def population() -> Population:
    """Return the sample data of all tests, whose history is computed once."""
    return Population(seed=3, users=5, templates=2)


@pytest.fixture
def backfill(tmp_path: Path, population: Population) -> Iterator[Backfill]:
    """Yield an embedded Coder and runs against it."""
    coder = EmbeddedCoder(population=population, now=lambda: NOW, rate_limit=-1)
    with serve(coder) as url:
        yield Backfill(coder, url, tmp_path)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Yield a remote-write receiver."""
    with receiving() as server:
        yield server
