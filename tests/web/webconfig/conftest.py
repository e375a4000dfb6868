"""Fixtures of the tests of the web config file."""

from pathlib import Path

import pytest

from tests.web.webconfig.certificates import Authorities, make_authorities, write_parts


@pytest.fixture(scope="session")
def authorities() -> Authorities:
    """Return the authorities of this run."""
    return make_authorities()


@pytest.fixture
def directory(tmp_path: Path, authorities: Authorities) -> Path:
    """Return a directory with the files that web config files name."""
    write_parts(tmp_path, authorities)
    return tmp_path
